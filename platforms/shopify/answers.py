"""What each operation answers, by its name."""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from platforms.shopify import wire
from platforms.shopify.wire import Connection, Named, Node

T = TypeVar("T")


class Domain(Node, frozen=True):
    """An address of a store's pages."""

    url: str


class ShopNode(Node, frozen=True):
    """What a store says of itself."""

    name: str
    currency_code: str
    iana_timezone: str
    primary_domain: Domain


class Info(Node, frozen=True):
    """The answer to ``info``."""

    shop: ShopNode


class Stamped(Node, frozen=True):
    """When a record changed last."""

    updated_at: datetime


class Newest(Node, frozen=True):
    """The answer to ``newest``."""

    orders: Connection[Stamped]


class Number(Node, frozen=True):
    """How many there are."""

    count: int


class Counts(Node, frozen=True):
    """The answer to ``counts``."""

    orders_count: Number | None
    customers_count: Number | None
    products_count: Number | None


class Listing(Node, frozen=True):
    """A page of a listing, its rows unread."""

    rows: Connection[msgspec.Raw]


class Nodes(Node, Generic[T], frozen=True):
    """The answer to any ``..._by_id``: null for what is not there."""

    nodes: list[T]


class Rest(Node, frozen=True):
    """What an order may have more of than it shows at once."""

    transactions: list[wire.Transaction]
    fulfillments: list[wire.Fulfillment]
    shipping_lines: Connection[wire.ShippingLine]


class OrderRest(Node, frozen=True):
    """The answer to ``order_rest``."""

    order: Rest | None


class Lines(Node, frozen=True):
    """More goods."""

    line_items: Connection[wire.Line]


class OrderLines(Node, frozen=True):
    """The answer to ``order_lines``."""

    order: Lines | None


class Refunds(Node, frozen=True):
    """The ids of an order's refunds."""

    refunds: list[Named]


class OrderRefunds(Node, frozen=True):
    """The answer to ``order_refunds``."""

    order: Refunds | None


class RefundedLines(Node, frozen=True):
    """More of a refund."""

    refund_line_items: Connection[wire.RefundedLine]


class RefundLines(Node, frozen=True):
    """The answer to ``refund_lines``."""

    node: RefundedLines | None


class Collections(Node, frozen=True):
    """More collections."""

    collections: Connection[wire.Handle]


class ProductCollections(Node, frozen=True):
    """The answer to ``product_collections``."""

    product: Collections | None


class Hook(Node, frozen=True):
    """A webhook subscription."""

    id: str
    topic: str
    uri: str


class Subscriptions(Node, frozen=True):
    """The answer to ``subscriptions``."""

    webhook_subscriptions: Connection[Hook]


class Wrong(Node, frozen=True):
    """Why something was not done."""

    message: str


class Subscribed(Node, frozen=True):
    """What became of a new subscription."""

    user_errors: list[Wrong]


class Subscribe(Node, frozen=True):
    """The answer to ``subscribe``."""

    webhook_subscription_create: Subscribed


class Unsubscribed(Node, frozen=True):
    """What became of a subscription that was to go."""

    deleted_webhook_subscription_id: str | None


class Unsubscribe(Node, frozen=True):
    """The answer to ``unsubscribe``."""

    webhook_subscription_delete: Unsubscribed


class Refused(Node, frozen=True):
    """Why a bulk operation did not begin."""

    code: str | None
    message: str


class Begun(Node, frozen=True):
    """What became of a bulk operation that was to begin."""

    bulk_operation: Named | None
    user_errors: list[Refused]


class RunBulk(Node, frozen=True):
    """The answer to ``run_bulk``."""

    bulk_operation_run_query: Begun


class BulkOperation(Node, frozen=True):
    """How far a bulk operation is; its counts are of lines in all, and of records."""

    status: str
    object_count: str
    root_object_count: str
    url: str | None


class BulkState(Node, frozen=True):
    """The answer to ``bulk_state``."""

    bulk_operation: BulkOperation | None
