from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0013_reservations")]

    initial = False

    operations = [
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
    ]
