"""How fast we are: ``make bench``. A row is a module of ``rows``, its limit one of ``limits``."""

ROWS = (
    "webhook",
    "state_public",
    "state_personal",
    "settle",
    "backfill",
    "fold",
    "simulate",
    "review",
    "analytics",
    "pages",
    "memory",
    "size",
    "sustained",
)
UNBOUNDED = ("review", "analytics", "pages", "fold", "memory", "size", "sustained")
"""Rows that are held against themselves, or against nothing."""
