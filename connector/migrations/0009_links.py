from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0008_decisions")]

    initial = False

    operations = [
        ops.CreateModel(
            name="LinkRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("owner", fields.CharField(max_length=100)),
                ("joined_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("order_ids", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "link",
                "app": "perennial",
                "unique_together": (("store", "account"),),
                "indexes": [Index(fields=["store", "owner"])],
                "pk_attr": "id",
                "table_description": "An account that became another's for good at ``joined_at``: a guest's, its customer's.",
            },
            bases=["Model"],
        ),
    ]
