from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0012_api_keys")]

    initial = False

    operations = [
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
    ]
