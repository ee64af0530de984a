"""Analytics: who comes back, what customers are worth, and what becomes of points."""

from connector.features.analytics.admin import ITEMS, AnalyticsAdmin
from connector.features.analytics.service import DUE, OLDEST_DUE, Analytics
from connector.sync.work import Work
from connector.web.feature import Feature, Part, Tools


def start(tools: Tools) -> Part:
    """Return the feature's work, pages and key figures."""
    analytics = Analytics(tools)
    return Part(
        works=(Work(name="analytics", waiting=DUE, job=analytics.refresh, oldest=OLDEST_DUE),),
        views=AnalyticsAdmin(tools, analytics).views(),
        items=ITEMS,
        key_figures=analytics,
    )


FEATURE = Feature(name="analytics", models="connector.features.analytics.models", start=start)
