"""Writes ``widgets/contract.schema.json`` from the views that the storefront answers with.

Run ``python -m tests.house.contract`` after changing a view, then ``npm run contract``.
"""

import json
from pathlib import Path

import msgspec

from connector.features.loyalty.views import StateView

TARGET = Path("widgets/contract.schema.json")


def contract() -> str:
    """Return the schema's text: the views without the ``View`` in their names."""
    schema = msgspec.json.schema(StateView)
    definitions = schema.pop("$defs")
    state = definitions.pop("StateView")
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **state,
        "$defs": definitions,
    }
    return json.dumps(document, indent=2).replace('View"', '"') + "\n"


if __name__ == "__main__":
    TARGET.write_text(contract(), encoding="utf-8")
