"""What a feature is to the rest: tables, hooks, pushes, background work and routes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.routing import BaseRoute

from connector.commerce.records import Hook
from connector.kernel.clock import Clock
from connector.kernel.ids import Ids
from connector.kernel.vault import Vault
from connector.sync.listeners import Listeners
from connector.sync.outbox import Push
from connector.sync.stores import Stores
from connector.sync.work import Work
from connector.web.api import Endpoints
from connector.web.keyfigures import KeyFigures, KeyFigureSource, NeedSource, PriceSource
from connector.web.mail import Mailer
from connector.web.merchant import Item, View
from connector.web.privacy import PersonalSource, Privacy
from connector.web.segments import Segments, SegmentSource
from connector.web.sessions import Sessions
from connector.web.visitors import Visitors


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every feature is given; no ``mailer`` where nobody set up how mail is sent.

    ``segments``, ``key_figures`` and ``privacy`` are of all features, once all have started.
    """

    clock: Clock
    ids: Ids
    vault: Vault
    stores: Stores
    visitors: Visitors
    wake: Callable[[], None]
    listeners: Listeners
    sessions: Sessions
    privacy: Privacy
    mailer: Mailer | None = None
    segments: Segments = field(default_factory=Segments)
    key_figures: KeyFigures = field(default_factory=KeyFigures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a feature gives back, once it has its tools.

    ``views`` are its merchant pages, ``items`` those of them that the navigation names. It has
    ``segments``, ``key_figures``, ``prices`` of points and what ``needs`` somebody where it knows
    any, and ``personal`` where it keeps something of persons: it tells that, and erases it.
    """

    hooks: Sequence[Hook] = ()
    pushes: Mapping[str, Push] = field(default_factory=dict)
    works: Sequence[Work] = ()
    routes: Sequence[BaseRoute] = ()
    endpoints: Endpoints = ()
    views: Sequence[View] = ()
    items: Sequence[Item] = ()
    segments: SegmentSource | None = None
    key_figures: KeyFigureSource | None = None
    prices: PriceSource | None = None
    needs: NeedSource | None = None
    personal: PersonalSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature's registration: all that the composition roots need to know."""

    name: str
    models: str
    start: Callable[[Tools], Part]
