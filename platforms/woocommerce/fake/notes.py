"""Notes on orders: the store's own, the merchant's, and those that go to the customer."""

from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import ApiError, Record, missing_param
from platforms.woocommerce.fake.shapes import blank
from platforms.woocommerce.fake.values import stamp


def of(store: FakeStore, order: Record) -> list[Record]:
    """Return an order's notes, oldest first."""
    up = [{"href": _home(store, order)}]
    return [one for one in store.all("note") if one["_links"]["up"] == up]


def get(store: FakeStore, order: Record, number: int) -> Record:
    """Return one note of an order.

    Raises:
        ApiError: it isn't the order's.
    """
    found = next((one for one in of(store, order) if one["id"] == number), None)
    if found is None:
        raise ApiError(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
    return found


def create(store: FakeStore, order: Record, body: Record) -> Record:
    """Write a note as REST does. Only one that goes to the customer is told (recorded).

    Raises:
        ApiError: it says nothing.
    """
    if not body.get("note"):
        raise missing_param("note")
    author = "admin" if body.get("added_by_user") else "WooCommerce"
    note = add(store, order, str(body["note"]), author=author)
    note["customer_note"] = bool(body.get("customer_note"))
    if note["customer_note"]:
        told = {"order_id": order["id"], "customer_note": note["note"]}
        store.act("woocommerce_new_customer_note", told)
    return note


def add(store: FakeStore, order: Record, text: str, *, author: str = "WooCommerce") -> Record:
    """Leave a note on an order."""
    note = blank("note", {"id": store.next_id("note"), "author": author, "note": text})
    stamp(note, "date_created", store.now(), store.zone)
    note["_links"] = _links(store, order, note["id"])
    store.records["note"][note["id"]] = note
    return note


def delete(store: FakeStore, note: Record) -> Record:
    """Remove a note."""
    return store.records["note"].pop(note["id"])


def _home(store: FakeStore, order: Record) -> str:
    return f"{store.site.rest}/wc/v3/orders/{order['id']}"


def _links(store: FakeStore, order: Record, number: int) -> Record:
    up = _home(store, order)
    here = {"href": f"{up}/notes/{number}", "targetHints": {"allow": ["GET", "DELETE"]}}
    return {"self": [here], "collection": [{"href": f"{up}/notes"}], "up": [{"href": up}]}
