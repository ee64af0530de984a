from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="AccountRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("key", fields.CharField(max_length=100)),
                ("dirty_gen", fields.IntField(default=1)),
                ("settled_gen", fields.IntField(default=0)),
                (
                    "next_due_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("retry_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("next_due_points", fields.BigIntField(default=0)),
                ("version", fields.IntField(default=0)),
            ],
            options={
                "table": "account",
                "app": "perennial",
                "unique_together": (("store", "key"),),
                "indexes": [Index(fields=["next_due_at"])],
                "pk_attr": "id",
                "table_description": "Whose points: a customer's or a guest's.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomerRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("platform_id", fields.CharField(max_length=64)),
                ("body", fields.BinaryField(null=True)),
                ("content_hash", fields.CharField(default="", max_length=64)),
                ("updated_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("shown_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("dirty_gen", fields.IntField(default=0)),
                ("fetched_gen", fields.IntField(default=0)),
                ("older_fetches", fields.IntField(default=0)),
                ("retry_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer",
                "app": "perennial",
                "unique_together": (("store", "platform_id"),),
                "pk_attr": "id",
                "table_description": "A customer.",
            },
            bases=["RecordRow"],
        ),
        ops.CreateModel(
            name="EntryRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("cause", fields.CharField(max_length=200)),
                ("kind", fields.CharField(max_length=16)),
                ("effective_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("n", fields.IntField()),
                ("points", fields.BigIntField()),
                ("posted_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("why", fields.TextField(unique=False)),
            ],
            options={
                "table": "entry",
                "app": "perennial",
                "unique_together": (("store", "account", "cause", "kind", "effective_at", "n"),),
                "pk_attr": "id",
                "table_description": "Points that came or went. ``n`` counts the entries of one ledger key.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="InboxRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("key", fields.CharField(max_length=64)),
                ("headers", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("body", fields.BinaryField(null=True)),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="waiting", max_length=8)),
                ("trouble", fields.TextField(default="", unique=False)),
            ],
            options={
                "table": "inbox",
                "app": "perennial",
                "unique_together": (("store", "key"),),
                "indexes": [Index(fields=["state", "id"])],
                "pk_attr": "id",
                "table_description": "A delivery that we acknowledged.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrderCodeRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("code", fields.CharField(max_length=100)),
                ("order", fields.CharField(max_length=64)),
            ],
            options={
                "table": "order_code",
                "app": "perennial",
                "unique_together": (("store", "code", "order"),),
                "indexes": [Index(fields=["store", "order"])],
                "pk_attr": "id",
                "table_description": "A discount code on an order, lower-cased: finds the orders that carry a code.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrderRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("platform_id", fields.CharField(max_length=64)),
                ("body", fields.BinaryField(null=True)),
                ("content_hash", fields.CharField(default="", max_length=64)),
                ("updated_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("shown_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("dirty_gen", fields.IntField(default=0)),
                ("fetched_gen", fields.IntField(default=0)),
                ("older_fetches", fields.IntField(default=0)),
                ("retry_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("account", fields.CharField(default="", max_length=100)),
            ],
            options={
                "table": "order",
                "app": "perennial",
                "unique_together": (("store", "platform_id"),),
                "indexes": [Index(fields=["store", "account"])],
                "pk_attr": "id",
                "table_description": "An order. ``account`` is whose points it moves, empty where it names nobody.",
            },
            bases=["RecordRow"],
        ),
        ops.CreateModel(
            name="OutboxRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("kind", fields.CharField(max_length=32)),
                ("target", fields.CharField(max_length=64)),
                ("wanted_gen", fields.IntField(default=1)),
                ("agreed_gen", fields.IntField(default=0)),
                ("attempts", fields.IntField(default=0)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("is_parked", fields.BooleanField(default=False)),
                ("trouble", fields.TextField(default="", unique=False)),
            ],
            options={
                "table": "outbox",
                "app": "perennial",
                "unique_together": (("store", "kind", "target"),),
                "indexes": [Index(fields=["is_parked", "due_at"])],
                "pk_attr": "id",
                "table_description": "A push: the other side must come to agree with us about ``target``.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProductRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("platform_id", fields.CharField(max_length=64)),
                ("body", fields.BinaryField(null=True)),
                ("content_hash", fields.CharField(default="", max_length=64)),
                ("updated_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("shown_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("dirty_gen", fields.IntField(default=0)),
                ("fetched_gen", fields.IntField(default=0)),
                ("older_fetches", fields.IntField(default=0)),
                ("retry_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "product",
                "app": "perennial",
                "unique_together": (("store", "platform_id"),),
                "pk_attr": "id",
                "table_description": "A product.",
            },
            bases=["RecordRow"],
        ),
        ops.CreateModel(
            name="PublicationRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("version", fields.IntField()),
                ("published_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("document", fields.TextField(unique=False)),
            ],
            options={
                "table": "publication",
                "app": "perennial",
                "unique_together": (("store", "version"),),
                "pk_attr": "id",
                "table_description": "A published program version, as the merchant wrote it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RedemptionRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("customer_id", fields.CharField(max_length=64)),
                ("idempotency_key", fields.CharField(max_length=100)),
                ("reward_id", fields.CharField(max_length=64)),
                ("cost", fields.BigIntField()),
                ("code", fields.CharField(max_length=100)),
                ("amount_minor", fields.BigIntField()),
                ("minimum_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("email", fields.CharField(null=True, max_length=320)),
                ("redeemed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="reserved", max_length=8)),
                ("discount_id", fields.CharField(null=True, max_length=64)),
                ("return_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("dead_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "released_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "redemption",
                "app": "perennial",
                "unique_together": (("store", "account", "idempotency_key"), ("store", "code")),
                "pk_attr": "id",
                "table_description": "One use of a reward, with at most one discount on the store.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StoreRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("platform", fields.CharField(max_length=32)),
                ("url", fields.CharField(max_length=500)),
                ("name", fields.CharField(max_length=200)),
                ("currency", fields.CharField(max_length=3)),
                ("timezone", fields.CharField(max_length=64)),
                ("access", fields.BinaryField()),
                ("webhook_secret", fields.BinaryField()),
                ("guest_key", fields.BinaryField()),
                ("connected_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("watermark", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("reconcile_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("trouble", fields.TextField(default="", unique=False)),
            ],
            options={
                "table": "store",
                "app": "perennial",
                "unique_together": (("platform", "url"),),
                "pk_attr": "id",
                "table_description": "A connected store.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TicketRow",
            fields=[
                (
                    "digest",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("purpose", fields.CharField(max_length=16)),
                ("platform", fields.CharField(default="", max_length=32)),
                ("subject", fields.CharField(max_length=500)),
                ("store", fields.CharField(default="", max_length=64)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "ticket",
                "app": "perennial",
                "pk_attr": "digest",
                "table_description": "Something that may be used once, and not for long. Only the hash of its secret is kept.",
            },
            bases=["Model"],
        ),
    ]
