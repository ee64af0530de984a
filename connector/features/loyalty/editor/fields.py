"""The fields of a program: what stands in each, what was published, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from connector.features.loyalty.editor.standing import named_path, texts
from connector.features.loyalty.rules.program import Program
from connector.web.catalogues import t

DASHES = str.maketrans("[].", "---")
Options = Sequence[tuple[str, str]]
Kind = Literal["number", "text", "moment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field: its ``path`` in the document, what stands in it, and what ``was`` published."""

    path: str
    id: str
    label: str
    value: str
    unit: str = ""
    help: str = ""
    error: str = ""
    was: str = ""
    options: Options = ()
    kind: Kind = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule, reward or tier; ``path`` where it can be removed. What few need is in ``more``."""

    title: str
    fields: Sequence[Field]
    more: Sequence[Field] = ()
    path: str = ""
    note: str = ""
    error: str = ""

    @property
    def is_open(self) -> bool:
        """Whether something in ``more`` wants to be looked at."""
        return any(one.error or one.was for one in self.more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the program; ``part`` and ``kinds`` where something can be added to it."""

    id: str
    title: str
    rules: Sequence[Rule]
    part: str = ""
    kinds: Options = ()
    add: str = ""
    nothing: str = ""


class Form:
    """A program as it is shown: with what was typed, what is wrong with it, and what is live.

    ``counts`` says how many customers are in each tier now, ``products`` what those are called
    that it names by their ids.
    """

    def __init__(
        self,
        program: Program,
        published: Program | None = None,
        typed: Mapping[str, str] = MappingProxyType({}),
        mistakes: Mapping[str, str] = MappingProxyType({}),
        counts: Mapping[str, int] = MappingProxyType({}),
        products: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.program = program
        self.mistakes = mistakes
        self.products = products
        self.counts = counts if published else None
        self._typed = typed
        self._now = texts(program)
        self._live = texts(published, by_name=True) if published else None

    def field(
        self,
        path: str,
        label: str,
        unit: str = "",
        about: str = "",
        *,
        options: Options = (),
        kind: Kind = "number",
    ) -> Field:
        """Return the field at a path."""
        value = self._now.get(path, "")
        was = self._was(path, value)
        return Field(
            path=path,
            id=path.translate(DASHES),
            label=label,
            value=self._typed.get(path, value),
            unit=unit,
            help=about,
            error=self._error(path),
            was="" if was == value else dict(options).get(was, was) or t("nothing"),
            options=options,
            kind=kind,
        )

    def rule(
        self,
        path: str,
        title: str,
        fields: Sequence[Field],
        more: Sequence[Field] = (),
        note: Sequence[str] = (),
    ) -> Rule:
        """Return the rule at a path."""
        return Rule(
            title=title,
            fields=fields,
            more=more,
            path=path if path.endswith("]") else "",
            note=" · ".join(note),
            error=self.mistakes.get(path, ""),
        )

    def called(self, products: Sequence[str]) -> list[str]:
        """Return what products are called, those that the store has."""
        return [self.products[id_] for id_ in products if id_ in self.products]

    def _error(self, path: str) -> str:
        """Return what is wrong with a field, or with what is in it."""
        told = {path: 0, _amounts(path): 1}
        found = [(told[one], said) for one, said in self.mistakes.items() if one in told]
        within = [said for one, said in self.mistakes.items() if one.startswith(f"{path}[")]
        return min(found)[1] if found else within[0] if within else ""

    def _was(self, path: str, value: str) -> str:
        """Return what is published in place of a value: the same if its rule is new.

        What has no name cannot be found again, so it is as it was.
        """
        if self._live is None or path.startswith("multiplier["):
            return value
        key = named_path(path, self.program)
        thing = key.partition("]")[0]
        is_old = "[" not in key or any(one.startswith(thing) for one in self._live)
        return self._live.get(key, "") if is_old else value


def _amounts(path: str) -> str:
    """Return the path of the amounts that one in a currency is among, or the same."""
    before, _, last = path.rpartition(".")
    return before if last.isupper() else path
