"""Points: earning, expiry, redemption. One fold per account; see ``rules``."""

from collections.abc import Sequence

from connector.features.loyalty import claims as claim_mail
from connector.features.loyalty import customers, look, onboarding
from connector.features.loyalty.api import LoyaltyApi
from connector.features.loyalty.claims import Claims
from connector.features.loyalty.customer import CustomerAdmin
from connector.features.loyalty.customers import CustomersAdmin
from connector.features.loyalty.editor import admin as program_admin
from connector.features.loyalty.editor import drafts
from connector.features.loyalty.editor.drafts import Drafts
from connector.features.loyalty.joining import JoiningAdmin
from connector.features.loyalty.look import LookAdmin
from connector.features.loyalty.needs import Needs
from connector.features.loyalty.notices import NOTE, PROFILE
from connector.features.loyalty.personal import Personal
from connector.features.loyalty.prices import Prices
from connector.features.loyalty.reminders import Reminders
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.storefront import Storefront
from connector.features.loyalty.taking import ExportAdmin
from connector.ledger import ledger
from connector.rewards import admissions, reservations
from connector.rewards.entitlements import PUSH as PERK_CODE
from connector.rewards.redemptions import LAPSED, OLDEST_LAPSED, PUSH
from connector.sync.work import Work
from connector.web.feature import Feature, Part, Tools


def start(tools: Tools) -> Part:
    """Return the feature's hooks, pushes, work and routes."""
    loyalty = Loyalty(tools)
    claims = Claims(tools, loyalty)
    own = Drafts(tools, loyalty)
    storefront = Storefront(tools, loyalty, claims)
    looks = LookAdmin(tools, storefront, own)
    customer = CustomerAdmin(tools, loyalty)
    return Part(
        hooks=(loyalty.settling.on_stored,),
        pushes={
            PUSH: loyalty.redemptions.push,
            PERK_CODE: loyalty.settling.entitlements.push,
            PROFILE: loyalty.settling.notices.push_profile,
            NOTE: loyalty.settling.notices.push_note,
            claim_mail.PUSH: claims.push,
        },
        works=_works(tools, loyalty, own),
        routes=(*storefront.routes(), *looks.routes()),
        endpoints=LoyaltyApi(loyalty, tools.clock, tools.ids).endpoints(),
        views=(
            *CustomersAdmin(tools, loyalty).views(),
            *customer.views(),
            *JoiningAdmin(tools, loyalty, customer).views(),
            *program_admin.ProgramAdmin(tools, own).views(),
            *looks.views(),
            *onboarding.Onboarding(tools, own).views(),
            *ExportAdmin(tools, loyalty).views(),
        ),
        items=(*onboarding.ITEMS, *program_admin.ITEMS, *look.ITEMS, *customers.ITEMS),
        prices=Prices(loyalty.programs, tools.clock),
        needs=Needs(loyalty, own),
        personal=Personal(tools.vault, tools.clock),
    )


def _works(tools: Tools, loyalty: Loyalty, own: Drafts) -> Sequence[Work]:
    return (
        Work(
            name="settle",
            waiting=f"({ledger.WAITING} OR {admissions.WAITING})",
            job=loyalty.settling.settle_dirty,
            at_once=4,
            oldest=ledger.OLDEST_DIRTY,
        ),
        Work(
            name="reservations",
            waiting=reservations.ENDING,
            job=loyalty.end_late_reservations,
            oldest=reservations.OLDEST_ENDING,
        ),
        Work(
            name="reminders",
            waiting=ledger.REMINDING,
            job=Reminders(loyalty.programs, tools.clock).tell,
            oldest=ledger.OLDEST_REMINDING,
        ),
        Work(
            name="drafts",
            waiting=drafts.WAITING,
            job=own.try_out,
            oldest=drafts.OLDEST_WAITING,
        ),
        Work(
            name="lapsed",
            waiting=LAPSED,
            job=loyalty.redemptions.take_back_lapsed,
            oldest=OLDEST_LAPSED,
        ),
        Work(
            name="due",
            waiting=ledger.DUE,
            job=loyalty.settling.settle_due,
            oldest=ledger.OLDEST_DUE,
        ),
    )


FEATURE = Feature(name="loyalty", models="connector.features.loyalty.models", start=start)
