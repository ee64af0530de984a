"""The refusals of a WooCommerce, with the codes, words and HTTP statuses that were recorded."""

from collections.abc import Mapping, Sequence
from typing import Any

Record = dict[str, Any]
"""A JSON object as the store's API shows it."""
Json = Record | int
"""What an action is about: an id, or an object."""


class ApiError(Exception):
    """A refusal; ``data`` is what stands beside the code, ``{"status": ...}`` if not told."""

    def __init__(
        self, status: int, code: str, message: str, data: Mapping[str, Any] | int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Record = {
            "code": code,
            "message": message,
            "data": {"status": status} if data is None else data,
        }


def invalid_param(name: str, code: str, message: str) -> ApiError:
    """Return WordPress's refusal of one parameter that doesn't fit its schema."""
    detail = {"code": code, "message": message, "data": None}
    data = {"status": 400, "params": {name: message}, "details": {name: detail}}
    return ApiError(400, "rest_invalid_param", f"Invalid parameter(s): {name}", data)


def not_in_enum(name: str, words: Sequence[str], *, shown: str | None = None) -> ApiError:
    """Return the refusal of a word that isn't one of ``words``."""
    listed = f"{', '.join(words[:-1])}, and {words[-1]}"
    return invalid_param(name, "rest_not_in_enum", f"{shown or name} is not one of {listed}.")


def unreadable() -> ApiError:
    """Return the refusal of a value that isn't of its field's type, the field unnamed."""
    return ApiError(400, "rest_invalid_param", "Invalid parameter(s).")


def missing_param(name: str) -> ApiError:
    """Return the refusal of a body that lacks a required field."""
    data = {"status": 400, "params": [name]}
    return ApiError(400, "rest_missing_callback_param", f"Missing parameter(s): {name}", data)


def invalid_id(kind: str) -> ApiError:
    """Return the refusal of an id that no record of this kind has."""
    if kind == "customer":
        return ApiError(404, "wc_user_invalid_id", "Invalid user ID.")
    named = kind if kind.startswith("product") else f"shop_{kind}"
    return ApiError(404, f"woocommerce_rest_{named}_invalid_id", "Invalid ID.")


def no_route() -> ApiError:
    """Return WordPress's answer where no route fits, a wrong method included."""
    return ApiError(404, "rest_no_route", "No route was found matching the URL and request method.")
