"""Every operation is valid, cheap enough, and needs the scopes that are asked for, no more.

``access_2026-10.json.gz`` is Shopify's own table of what each type and field needs, out of the npm
package @shopify/dev-mcp 1.16.0 (ISC; its licence is in ``platforms/shopify/fake``).
"""

import gzip
import json
import re
import tomllib
from pathlib import Path

import pytest
from graphql import (
    NoDeprecatedCustomRule,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    validate,
    visit,
)

from platforms.shopify import operations
from platforms.shopify.fake.app import COST_MAX
from platforms.shopify.fake.bulk import refused
from platforms.shopify.fake.schema import cost, schema
from platforms.shopify.store import REFUNDS, ROWS

HERE = Path(__file__).parent
SHOPIFY = Path(operations.__file__).parents[1]
TABLE = json.loads(gzip.decompress((HERE / "access_2026-10.json.gz").read_bytes()))
SCOPES = tomllib.loads((SHOPIFY / "scopes.toml").read_text(encoding="utf-8"))
ASKED = {one["name"] for one in SCOPES["scope"]}


class Used(Visitor):
    """Collects the types and fields that a document asks for."""

    def __init__(self, info):
        super().__init__()
        self.info = info
        self.names = set()

    def enter_field(self, node, *_):
        parent, field = self.info.get_parent_type(), self.info.get_field_def()
        self.names |= {f"{parent.name}.{node.name.value}", get_named_type(field.type).name}


def used(name):
    info = TypeInfo(schema())
    found = Used(info)
    visit(parse(operations.operation(name)), TypeInfoVisitor(info, found))
    return found.names


def enough(name):
    """Yield for each type or field of an operation the scopes of which one is enough.

    Bulk operations need none: they take any token of an app that is installed.
    """
    for one in sorted(used(name)):
        needs = TABLE["required_access"].get(one, "Only accessible by supported access tokens")
        if not needs.startswith("Only accessible by supported access tokens"):
            yield one, set(re.findall(r"`(\w+)` access scope", TABLE["required_access"][one]))


@pytest.mark.parametrize("name", operations.names())
def test_it_is_valid_and_asks_for_nothing_deprecated(name):
    document = parse(operations.operation(name))
    assert validate(schema(), document) == []
    assert validate(schema(), document, [NoDeprecatedCustomRule]) == []


BULK = [name for name in operations.names() if name.startswith("bulk_") and name.endswith("s")]


@pytest.mark.parametrize("name", BULK)
def test_it_may_be_run_in_bulk(name):
    assert refused(operations.operation(name)) is None


@pytest.mark.parametrize("name", [name for name in operations.names() if name not in BULK])
def test_it_costs_no_more_than_shopify_allows(name):
    kind = name.removesuffix("_by_id").removesuffix("s")
    rows = ROWS.get(kind, REFUNDS)
    variables = {"first": rows, "ids": ["gid"] * rows}
    assert 0 < cost(parse(operations.operation(name)), variables) <= COST_MAX


@pytest.mark.parametrize("name", operations.names())
def test_the_scopes_allow_it(name):
    for what, scopes in enough(name):
        assert scopes & ASKED, f"{what} needs one of {scopes}"


def test_no_scope_is_asked_for_that_nothing_needs():
    needed = [scopes for name in operations.names() for _, scopes in enough(name)]
    for scope in ASKED:
        rest = ASKED - {scope}
        assert any(not scopes & rest for scopes in needed), f"{scope} is not needed"


def test_the_table_and_the_operations_are_of_one_version():
    assert TABLE["api_version"] == operations.VERSION


def test_each_operation_has_one_file_and_its_own_name():
    for name in operations.names():
        said = re.findall(r"^(?:query|mutation) (\w+)", operations.operation(name), re.MULTILINE)
        assert [one.lower() for one in said] == [name.replace("_", "")]
