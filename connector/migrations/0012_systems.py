from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0011_imports")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ActRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("key", fields.CharField(max_length=100)),
                ("kind", fields.CharField(max_length=16)),
                ("name", fields.CharField(default="", max_length=64)),
                ("happened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("noted_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "act",
                "app": "perennial",
                "unique_together": (("store", "account", "key"),),
                "pk_attr": "id",
                "table_description": "Something that a customer did besides buying, as another system told us.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AdmissionRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("cause", fields.CharField(max_length=300)),
                ("order_id", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("lane", fields.SmallIntField(default=0, db_default=0)),
                ("effective_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("asked", fields.BigIntField()),
                ("worths", fields.TextField(unique=False)),
                ("demanded", fields.BigIntField(default=0, db_default=0)),
                ("admitted", fields.BigIntField(default=0, db_default=0)),
                ("ceded", fields.BigIntField(default=0, db_default=0)),
                ("spare", fields.BigIntField(default=0, db_default=0)),
                ("waits_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("spare_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "admission",
                "app": "perennial",
                "unique_together": (("store", "cause"),),
                "indexes": [
                    Index(fields=["store", "waits_at"]),
                    Index(fields=["store", "spare_at"]),
                    Index(fields=["store", "account"]),
                ],
                "pk_attr": "id",
                "table_description": "What of a program's budget was decided about a cause, such as an order by one rule.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ApiKeyRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("name", fields.CharField(max_length=100)),
                ("scopes", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("digest", fields.CharField(max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "api_key",
                "app": "perennial",
                "indexes": [Index(fields=["store", "created_at"])],
                "pk_attr": "id",
                "table_description": "A key of one store, with what it may do.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BudgetRow",
            fields=[
                (
                    "store",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("held", fields.BigIntField()),
            ],
            options={
                "table": "budget",
                "app": "perennial",
                "pk_attr": "store",
                "table_description": "What all admissions of a store hold together: ``admitted`` less ``ceded``.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ListenerRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("key", fields.CharField(max_length=100)),
                ("url", fields.CharField(max_length=500)),
                ("events", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("secret", fields.BinaryField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("failures", fields.IntField(default=0)),
                ("retry_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("trouble", fields.CharField(default="", max_length=200)),
            ],
            options={
                "table": "listener",
                "app": "perennial",
                "unique_together": (("store", "key"),),
                "pk_attr": "id",
                "table_description": "An address of a merchant's own system that is told of ``events``, until ``ended_at``.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MessageRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("listener", fields.CharField(max_length=64)),
                ("event", fields.CharField(max_length=32)),
                ("body", fields.TextField(unique=False)),
                ("told_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("due_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("attempts", fields.IntField(default=0)),
                ("status", fields.IntField(default=0)),
                ("trouble", fields.CharField(default="", max_length=200)),
                (
                    "delivered_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("key", fields.CharField(default="", db_default="", max_length=100)),
            ],
            options={
                "table": "message",
                "app": "perennial",
                "indexes": [Index(fields=["listener", "due_at"])],
                "pk_attr": "id",
                "table_description": "What a listener is told, and how that went. Kept for a month.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReservationRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("key", fields.CharField(max_length=100)),
                ("points", fields.BigIntField()),
                ("note", fields.CharField(max_length=200)),
                ("reserved_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="held", max_length=8)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "reservation",
                "app": "perennial",
                "unique_together": (("store", "account", "key"),),
                "indexes": [Index(fields=["store", "state", "ends_at"])],
                "pk_attr": "id",
                "table_description": "Points that another system, such as a till, holds back until its sale is made.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="AccountRow",
            name="until",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="DecisionRow",
            name="body",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="DecisionRow",
            name="mailbox",
            field=fields.BinaryField(null=True),
        ),
        ops.AddField(
            model_name="LinkRow",
            name="batch",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="LinkRow",
            name="mailbox",
            field=fields.BinaryField(null=True),
        ),
        ops.AddField(
            model_name="PublicationRow",
            name="key",
            field=fields.CharField(null=True, max_length=100),
        ),
        ops.AddField(
            model_name="PublicationRow",
            name="re_rate_from",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
