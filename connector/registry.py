"""Finds platforms (by entry point) and features (by folder)."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points

from connector import features
from connector.config import PREFIX
from connector.errors import SettingsInvalid
from connector.web.feature import Feature
from platforms.errors import Malformed
from platforms.protocol import Platform

GROUP = "perennial.platforms"
CORE_MODELS = (
    "connector.commerce.models",
    "connector.sync.models",
    "connector.ledger.models",
    "connector.rewards.models",
    "connector.web.models",
)


def find_platforms(settings: Mapping[str, str] | None = None) -> Mapping[str, Platform]:
    """Return the installed adapters by name, with what is set of each, such as ``shopify_name``.

    Raises:
        SettingsInvalid: something can't be right.
    """
    found = {point.name: point.load() for point in entry_points(group=GROUP)}
    return {name: _configured(one, settings or {}) for name, one in found.items()}


def _configured(platform: Platform, settings: Mapping[str, str]) -> Platform:
    names = {one.name: f"{platform.name}_{one.name}" for one in platform.settings}
    try:
        return platform.configured({name: settings.get(full, "") for name, full in names.items()})
    except Malformed as error:
        raise SettingsInvalid(f"{PREFIX}{platform.name.upper()}_...: {error}") from error


def find_features() -> Sequence[Feature]:
    """Return the features, a folder each, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(features.__path__))
    return [importlib.import_module(f"connector.features.{name}").FEATURE for name in names]


def find_models() -> Sequence[str]:
    """Return the modules that have tables."""
    return [*CORE_MODELS, *(feature.models for feature in find_features())]
