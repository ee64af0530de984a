"""Finds platforms (by entry point) and features (by folder)."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points

from connector import features
from connector.web.feature import Feature
from platforms.protocol import Platform

GROUP = "perennial.platforms"
CORE_MODELS = (
    "connector.commerce.models",
    "connector.sync.models",
    "connector.ledger.models",
    "connector.rewards.models",
    "connector.web.models",
)


def find_platforms() -> Mapping[str, Platform]:
    """Return the installed adapters by name."""
    return {point.name: point.load() for point in entry_points(group=GROUP)}


def find_features() -> Sequence[Feature]:
    """Return the features, a folder each, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(features.__path__))
    return [importlib.import_module(f"connector.features.{name}").FEATURE for name in names]


def find_models() -> Sequence[str]:
    """Return the modules that have tables."""
    return [*CORE_MODELS, *(feature.models for feature in find_features())]
