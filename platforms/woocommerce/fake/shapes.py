"""The empty shapes of WooCommerce's records, every key as recorded from version 10.5.0."""

import copy
from collections.abc import Mapping
from typing import Any

from platforms.woocommerce.fake.errors import Record
from platforms.woocommerce.fake.values import HUNDREDTHS

AMOUNTS = ("amount", "minimum_amount", "maximum_amount")

ADDRESS = {
    "first_name": "", "last_name": "", "company": "", "address_1": "", "address_2": "",
    "city": "", "state": "", "postcode": "", "country": "",
}  # fmt: skip
BILLING = {**ADDRESS, "email": "", "phone": ""}
SHIPPING = {**ADDRESS, "phone": ""}

_ORDER: Record = {
    "id": 0, "parent_id": 0, "status": "pending", "currency": "", "version": "10.5.0",
    "prices_include_tax": False, "date_created": None, "date_modified": None,
    "discount_total": "0.00", "discount_tax": "0.00", "shipping_total": "0.00",
    "shipping_tax": "0.00", "cart_tax": "0.00", "total": "0.00", "total_tax": "0.00",
    "customer_id": 0, "order_key": "", "billing": BILLING, "shipping": SHIPPING,
    "payment_method": "", "payment_method_title": "", "transaction_id": "",
    "customer_ip_address": "", "customer_user_agent": "", "created_via": "rest-api",
    "customer_note": "", "date_completed": None, "date_paid": None, "cart_hash": "",
    "number": "", "meta_data": [], "line_items": [], "tax_lines": [], "shipping_lines": [],
    "fee_lines": [], "coupon_lines": [], "refunds": [], "payment_url": "", "is_editable": False,
    "needs_payment": False, "needs_processing": True, "date_created_gmt": None,
    "date_modified_gmt": None, "date_completed_gmt": None, "date_paid_gmt": None,
    "currency_symbol": "", "_links": {},
}  # fmt: skip
_LINE: Record = {
    "id": 0, "name": "", "product_id": 0, "variation_id": 0, "quantity": 1, "tax_class": "",
    "subtotal": "0.00", "subtotal_tax": "0.00", "total": "0.00", "total_tax": "0.00",
    "taxes": [], "meta_data": [], "sku": "", "global_unique_id": "", "price": 0,
    "image": {"id": "", "src": ""}, "parent_name": None,
}  # fmt: skip
_SHIPPING_LINE: Record = {
    "id": 0, "method_title": "", "method_id": "flat_rate", "instance_id": "", "total": "0.00",
    "total_tax": "0.00", "taxes": [], "tax_status": "taxable", "meta_data": [],
}  # fmt: skip
_FEE_LINE: Record = {
    "id": 0, "name": "", "tax_class": "", "tax_status": "taxable", "amount": "", "total": "0.00",
    "total_tax": "0.00", "taxes": [], "meta_data": [],
}  # fmt: skip
_TAX_LINE: Record = {
    "id": 0, "rate_code": "TAX-1", "rate_id": 1, "label": "Tax", "compound": False,
    "tax_total": "0.00", "shipping_tax_total": "0.00", "rate_percent": 0, "meta_data": [],
}  # fmt: skip
_COUPON_LINE: Record = {
    "id": 0, "code": "", "discount": "0", "discount_tax": "0", "meta_data": [],
    "discount_type": "fixed_cart", "nominal_amount": 0, "free_shipping": False,
}  # fmt: skip
_REFUND: Record = {
    "id": 0, "parent_id": 0, "date_created": None, "date_created_gmt": None, "amount": "0.00",
    "reason": "", "refunded_by": 1, "refunded_payment": False, "meta_data": [],
    "line_items": [], "shipping_lines": [], "tax_lines": [], "fee_lines": [], "_links": {},
}  # fmt: skip
_CUSTOMER: Record = {
    "id": 0, "date_created": None, "date_created_gmt": None, "date_modified": None,
    "date_modified_gmt": None, "email": "", "first_name": "", "last_name": "",
    "role": "customer", "username": "", "billing": BILLING, "shipping": SHIPPING,
    "is_paying_customer": False, "avatar_url": "", "meta_data": [], "_links": {},
}  # fmt: skip
_COUPON: Record = {
    "id": 0, "code": "", "amount": "0.00", "status": "publish", "date_created": None,
    "date_created_gmt": None, "date_modified": None, "date_modified_gmt": None,
    "discount_type": "fixed_cart", "description": "", "date_expires": None,
    "date_expires_gmt": None, "usage_count": 0, "individual_use": False, "product_ids": [],
    "excluded_product_ids": [], "usage_limit": None, "usage_limit_per_user": None,
    "limit_usage_to_x_items": None, "free_shipping": False, "product_categories": [],
    "excluded_product_categories": [], "exclude_sale_items": False, "minimum_amount": "0.00",
    "maximum_amount": "0.00", "email_restrictions": [], "used_by": [], "meta_data": [],
    "_links": {},
}  # fmt: skip
_PRODUCT: Record = {
    "id": 0, "name": "", "slug": "", "permalink": "", "date_created": None,
    "date_created_gmt": None, "date_modified": None, "date_modified_gmt": None,
    "type": "simple", "status": "publish", "featured": False, "catalog_visibility": "visible",
    "description": "", "short_description": "", "sku": "", "price": "", "regular_price": "",
    "sale_price": "", "date_on_sale_from": None, "date_on_sale_from_gmt": None,
    "date_on_sale_to": None, "date_on_sale_to_gmt": None, "on_sale": False, "purchasable": True,
    "total_sales": 0, "virtual": False, "downloadable": False, "downloads": [],
    "download_limit": -1, "download_expiry": -1, "external_url": "", "button_text": "",
    "tax_status": "taxable", "tax_class": "", "manage_stock": False, "stock_quantity": None,
    "backorders": "no", "backorders_allowed": False, "backordered": False,
    "low_stock_amount": None, "sold_individually": False, "weight": "",
    "dimensions": {"length": "", "width": "", "height": ""}, "shipping_required": True,
    "shipping_taxable": True, "shipping_class": "", "shipping_class_id": 0,
    "reviews_allowed": True, "average_rating": "0.00", "rating_count": 0, "upsell_ids": [],
    "cross_sell_ids": [], "parent_id": 0, "purchase_note": "",
    "categories": [{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}], "brands": [],
    "tags": [], "images": [], "attributes": [], "default_attributes": [], "variations": [],
    "grouped_products": [], "menu_order": 0, "price_html": "", "related_ids": [],
    "meta_data": [], "stock_status": "instock", "has_options": False, "post_password": "",
    "global_unique_id": "", "_links": {},
}  # fmt: skip
_VARIATION: Record = {
    key: _PRODUCT[key]
    for key in (
        "id", "type", "date_created", "date_created_gmt", "date_modified", "date_modified_gmt",
        "description", "permalink", "sku", "global_unique_id", "price", "regular_price",
        "sale_price", "date_on_sale_from", "date_on_sale_from_gmt", "date_on_sale_to",
        "date_on_sale_to_gmt", "on_sale", "status", "purchasable", "virtual", "downloadable",
        "downloads", "download_limit", "download_expiry", "tax_status", "tax_class",
        "manage_stock", "stock_quantity", "stock_status", "backorders", "backorders_allowed",
        "backordered", "low_stock_amount", "weight", "dimensions", "shipping_class",
        "shipping_class_id", "attributes", "menu_order", "meta_data", "name", "parent_id",
        "_links",
    )
}  # fmt: skip
_NOTE: Record = {
    "id": 0, "author": "WooCommerce", "date_created": None, "date_created_gmt": None, "note": "",
    "customer_note": False, "_links": {},
}  # fmt: skip
_WEBHOOK: Record = {
    "id": 0, "name": "", "status": "active", "topic": "", "resource": "", "event": "",
    "hooks": [], "delivery_url": "", "date_created": None, "date_created_gmt": None,
    "date_modified": None, "date_modified_gmt": None, "_links": {},
}  # fmt: skip
SHAPES = {
    "order": _ORDER, "line": _LINE, "shipping_line": _SHIPPING_LINE, "fee_line": _FEE_LINE,
    "tax_line": _TAX_LINE, "coupon_line": _COUPON_LINE, "refund": _REFUND, "customer": _CUSTOMER,
    "coupon": _COUPON, "product": _PRODUCT, "variation": _VARIATION, "note": _NOTE,
    "webhook": _WEBHOOK,
}  # fmt: skip


def blank(shape: str, values: Mapping[str, Any]) -> Record:
    """Return a new record of a shape, with these values in it."""
    return {**copy.deepcopy(SHAPES[shape]), **values}


def shown(kind: str, record: Record) -> Record:
    """Return a record as the API shows it: the amounts of coupons have two places, always.

    The store keeps them exactly, so one of 1.234 dinars reads back as 1.23.
    Source: ``WC_REST_Coupons_V2_Controller::get_formatted_item_data``.
    """
    if kind != "coupon":
        return record
    return record | {name: HUNDREDTHS.text(HUNDREDTHS.minor(record[name])) for name in AMOUNTS}


def links(rest: str, collection: str, number: int) -> Record:
    """Return ``_links`` of a record of a ``wc/v3`` collection."""
    home = f"{rest}/wc/v3/{collection}"
    allow = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return {
        "self": [{"href": f"{home}/{number}", "targetHints": {"allow": allow}}],
        "collection": [{"href": home}],
    }


def known(shape: str, body: Mapping[str, Any], *, but: frozenset[str] = frozenset()) -> Record:
    """Return the fields of a request body that a record of this shape has, ``but`` these."""
    closed = {"id", "_links", "meta_data", *but}
    return {key: body[key] for key in SHAPES[shape] if key in body and key not in closed}
