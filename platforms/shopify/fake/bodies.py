"""What webhooks carry: records as REST had them, cut down to what apps are known to read."""

from typing import Any

Row = dict[str, Any]


def body_of(topic: str, row: Row) -> Row:
    """Return the body of a delivery of a topic about a record; see ``samples/``."""
    if topic == "CUSTOMERS_MERGE":
        return row
    if topic.endswith("_DELETE"):
        return {"id": _id(row["id"])}
    if topic == "REFUNDS_CREATE":
        last = row["refunds"][-1]
        return {
            "id": _id(last["id"]),
            "admin_graphql_api_id": last["id"],
            "order_id": _id(row["id"]),
            "created_at": last["createdAt"],
            "processed_at": last["processedAt"],
        }
    return {
        "id": _id(row["id"]),
        "admin_graphql_api_id": row["id"],
        "created_at": row.get("createdAt"),
        "updated_at": row["updatedAt"],
        **SHAPES[row["__typename"]](row),
    }


def _id(gid: str) -> int:
    return int(gid.rpartition("/")[2])


def _order(row: Row) -> Row:
    return {
        "name": row["name"],
        "email": row["email"] or "",
        "financial_status": row["displayFinancialStatus"].lower(),
        "cancelled_at": row["cancelledAt"],
        "currency": row["currencyCode"],
        "total_price": row["totalPriceSet"]["shopMoney"]["amount"],
        "note": row["note"],
        "customer": {"id": _id(row["customer"]["id"])} if row["customer"] else None,
        "line_items": [
            {
                "id": _id(one["id"]),
                "product_id": _id(one["product"]["id"]) if one["product"] else None,
                "quantity": one["quantity"],
            }
            for one in row["lineItems"]
        ],
    }


def _customer(row: Row) -> Row:
    return {
        "email": row["defaultEmailAddress"]["emailAddress"],
        "first_name": row["firstName"],
        "last_name": row["lastName"],
    }


def _product(row: Row) -> Row:
    return {"title": row["title"], "handle": row["handle"]}


SHAPES = {"Order": _order, "Customer": _customer, "Product": _product}
