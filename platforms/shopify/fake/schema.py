"""The Admin API's schema of 2026-10, executed by graphql-core: what Shopify refuses, it refuses.

The schema is Shopify's own (``admin_2026-10.graphql.gz``, licence beside it). An operation is
parsed, validated and reckoned before it runs. What it costs is as documented: 1 for an object, 0
for a scalar, ``first`` times what is in a connection, 10 for a mutation; Shopify's own figures are
at most that, as far as is known.
"""

import gzip
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    build_schema,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    parse,
    validate,
    visit,
)

FILE = Path(__file__).with_name("admin_2026-10.graphql.gz")
MUTATION = 10
DEFAULT = 10  # rows of a list that says no number


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """Return the schema; building it takes seconds."""
    return build_schema(gzip.decompress(FILE.read_bytes()).decode(), assume_valid=True)


@lru_cache(maxsize=1000)
def prepared(text: str) -> DocumentNode | tuple[GraphQLError, ...]:
    """Return an operation that the schema allows, or why it does not."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return (error,)
    wrong = validate(schema(), document)
    return tuple(wrong) or document


def cost(document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """Return what an operation costs, in points."""
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    return sum(
        _Reckoned(fragments, variables).operation(one)
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode)
    )


class _Reckoned:
    def __init__(
        self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self._fragments = fragments
        self._variables = variables

    def operation(self, one: OperationDefinitionNode) -> int:
        root = schema().get_root_type(one.operation)
        assert root is not None
        base = MUTATION if one.operation.value == "mutation" else 0
        return base + self._all(one.selection_set, root)

    def _all(self, selected: SelectionSetNode | None, parent: Any) -> int:  # noqa: ANN401
        return sum(self._one(one, parent) for one in (selected.selections if selected else ()))

    def _one(self, one: Any, parent: Any) -> int:  # noqa: ANN401 - a node of any kind
        if isinstance(one, FragmentSpreadNode):
            fragment = self._fragments[one.name.value]
            named = schema().type_map[fragment.type_condition.name.value]
            return self._all(fragment.selection_set, named)
        if isinstance(one, InlineFragmentNode):
            named = parent
            if one.type_condition:
                named = schema().type_map[one.type_condition.name.value]
            return self._all(one.selection_set, named)
        return self._field(one, parent)

    def _field(self, one: FieldNode, parent: Any) -> int:  # noqa: ANN401
        if one.name.value.startswith("__"):
            return 0
        field = parent.fields[one.name.value]
        named = get_named_type(field.type)
        if not is_composite_type(named):
            return 0
        inner = self._all(one.selection_set, named)
        many = self._number(one)
        if isinstance(named, GraphQLObjectType) and named.name.endswith("Connection"):
            return 2 + (many or DEFAULT) * max(inner, 1)
        if named.name == "PageInfo":
            return 0
        type_ = field.type.of_type if is_non_null_type(field.type) else field.type
        if one.name.value in {"nodes", "edges"} and parent.name.endswith("Connection"):
            return 1 + inner
        return (many or 1) * (1 + inner) if is_list_type(type_) else 1 + inner

    def _number(self, one: FieldNode) -> int:
        for argument in one.arguments or ():
            value = argument.value
            if argument.name.value in {"first", "last"} and isinstance(value, IntValueNode):
                return int(value.value)
            if argument.name.value in {"first", "last", "ids"} and isinstance(value, VariableNode):
                told = self._variables.get(value.name.value)
                return len(told) if isinstance(told, Sequence) else int(told or 0)
        return 0


def inlined(document: DocumentNode) -> DocumentNode:
    """Return an operation with its fragments where they are named."""
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }

    class Inline(Visitor):
        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> Any:  # noqa: ANN401
            one = fragments[node.name.value]
            return visit(
                InlineFragmentNode(
                    type_condition=one.type_condition,
                    directives=(),
                    selection_set=one.selection_set,
                ),
                Inline(),
            )

    rest = [one for one in document.definitions if not isinstance(one, FragmentDefinitionNode)]
    return visit(DocumentNode(definitions=tuple(rest)), Inline())  # type: ignore[no-any-return]
