"""Listings: the filters, orders and pages of ``wc/v3`` collections."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import Record, invalid_param, not_in_enum
from platforms.woocommerce.fake.values import read_filter

ORDER_BY = ("date", "id", "include", "title", "slug", "modified")
_DATES = {
    "after": ("date_created_gmt", 1),
    "before": ("date_created_gmt", -1),
    "modified_after": ("date_modified_gmt", 1),
    "modified_before": ("date_modified_gmt", -1),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers."""

    payload: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """A request's query: every value of every name, arrays as commas or brackets."""

    store: FakeStore
    path: str
    pairs: Sequence[tuple[str, str]]

    def one(self, name: str, usual: str = "") -> str:
        """Return the last value of a name."""
        return next((value for key, value in reversed(self.pairs) if key == name), usual)

    def many(self, name: str) -> list[str]:
        """Return a list: ``a=1,2``, ``a[]=1&a[]=2`` and ``a[0]=1&a[1]=2`` are the same."""
        values = [value for key, value in self.pairs if key == name or key.startswith(f"{name}[")]
        return [part for value in values for part in value.split(",") if part]

    def flag(self, name: str) -> bool:
        """Return a boolean parameter."""
        return self.one(name).lower() in ("1", "true")

    def whole(self, name: str, usual: int) -> int:
        """Return a whole number."""
        text = self.one(name, str(usual))
        if not text.lstrip("-").isdigit():
            raise invalid_param(name, "rest_invalid_type", f"{name} is not of type integer.")
        return int(text)

    def word(self, name: str, usual: str, words: Sequence[str]) -> str:
        """Return a word of an enumeration."""
        word = self.one(name, usual)
        if word not in words:
            raise not_in_enum(name, words)
        return word


def statuses(query: Query, records: Iterable[Record]) -> Iterator[Record]:
    """Keep orders of the wanted statuses; ``any`` leaves out the trash but not drafts."""
    words = ("any", "trash", "auto-draft", *query.store.statuses)
    wanted = query.many("status") or ["any"]
    for place, word in enumerate(wanted):
        if word not in words:
            raise not_in_enum("status", words, shown=f"status[{place}]")
    for record in records:
        if record["status"] in wanted or ("any" in wanted and record["status"] != "trash"):
            yield record


def dated(query: Query, records: Iterable[Record]) -> Iterator[Record]:
    """Keep what the date filters let through: strictly after, strictly before, to the second.

    Filters by change came with version 5.8; before, they are ignored in silence.
    """
    zone, dates_are_gmt, site = query.store.zone, query.flag("dates_are_gmt"), query.store.site
    bounds = [
        (key, sign, read_filter(name, query.one(name), zone, dates_are_gmt=dates_are_gmt))
        for name, (key, sign) in _DATES.items()
        if query.one(name) and (not name.startswith("modified") or site.is_at_least(5, 8))
    ]
    for record in records:
        if all(_beyond(_when(record, key), sign, bound) for key, sign, bound in bounds):
            yield record


def _when(record: Record, key: str) -> str:
    # A refund has no date_modified of its own; its creation stands for it.
    return record.get(key, record["date_created_gmt"]) or ""


def _beyond(at: str, sign: int, bound: str) -> bool:
    return at > bound if sign > 0 else at < bound


def included(query: Query, records: Iterable[Record]) -> Iterator[Record]:
    """Keep ``include`` and drop ``exclude``; unknown ids are no error."""
    include, exclude = set(query.many("include")), set(query.many("exclude"))
    for record in records:
        name = str(record["id"])
        if (not include or name in include) and name not in exclude:
            yield record


def searched(query: Query, records: Iterable[Record], *paths: str) -> Iterator[Record]:
    """Keep records that hold the ``search`` word in one of these fields (``a.b`` goes inside)."""
    word = query.one("search").lower()
    for record in records:
        if not word or any(word in str(_at(record, path)).lower() for path in paths):
            yield record


def _at(record: Mapping[str, Any], path: str) -> object:
    head, _, rest = path.partition(".")
    return _at(record[head], rest) if rest else record[head]


def by_date(query: Query, records: Iterable[Record], *, usual: str = "date") -> list[Record]:
    """Sort as ``orderby`` and ``order`` say, ties by id."""
    name = query.word("orderby", usual, ORDER_BY)
    down = query.word("order", "desc", ("asc", "desc")) == "desc"
    keys: dict[str, Callable[[Record], Any]] = {
        "date": lambda one: one["date_created_gmt"],
        "modified": lambda one: _when(one, "date_modified_gmt"),
        "title": lambda one: one.get("name", ""),
        "slug": lambda one: one.get("slug", ""),
    }
    key = keys.get(name)
    return sorted(records, key=lambda one: (key(one) if key else 0, one["id"]), reverse=down)


def page(query: Query, found: Sequence[Record], *, recounts: bool = True) -> Answer:
    """Answer with one page and the counts.

    Past the end, orders and refunds say that there are 0 in all; others ``recounts``.
    """
    number, size = query.whole("page", 1), query.whole("per_page", 10)
    if number < 1:
        words = "page must be greater than or equal to 1"
        raise invalid_param("page", "rest_out_of_bounds", words)
    if not 1 <= size <= 100:
        words = "per_page must be between 1 (inclusive) and 100 (inclusive)"
        raise invalid_param("per_page", "rest_out_of_bounds", words)
    begin = query.whole("offset", (number - 1) * size)
    here = found[begin : begin + size]
    total = len(found) if here or recounts else 0
    pages = math.ceil(total / size)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    if steps := _steps(query, number, pages):
        headers["Link"] = steps
    return Answer(here, headers=headers)


def _steps(query: Query, number: int, pages: int) -> str:
    rels = {"prev": min(number - 1, pages) if number > 1 else None}
    rels["next"] = number + 1 if number < pages else None
    others = [(key, value) for key, value in query.pairs if key not in ("page", "rest_route")]
    home = f"{query.store.site.rest}{query.path.removeprefix('/wp-json')}"
    joint = "&" if "?" in home else "?"
    return ", ".join(
        f'<{home}{joint}{urlencode([*others, ("page", str(to))])}>; rel="{rel}"'
        for rel, to in rels.items()
        if to is not None
    )


def fields(query: Query, payload: object) -> object:
    """Keep only the ``_fields`` that were asked for, if any were; ``a.b`` goes inside objects."""
    wanted = query.many("_fields")
    return _only(wanted, payload) if wanted else payload


def _only(wanted: Sequence[str], payload: object) -> object:
    if isinstance(payload, list):
        return [_only(wanted, one) for one in payload]
    if not isinstance(payload, dict):
        return payload
    kept = {key: value for key, value in payload.items() if key in wanted}
    for key, value in payload.items():
        inside = [one.removeprefix(f"{key}.") for one in wanted if one.startswith(f"{key}.")]
        if inside and isinstance(value, dict) and key not in kept:
            kept[key] = _only(inside, value)
    return kept
