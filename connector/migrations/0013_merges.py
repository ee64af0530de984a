from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0012_systems")]

    initial = False

    operations = [
        ops.CreateModel(
            name="MergeRow",
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
                ("merged_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "merge",
                "app": "perennial",
                "unique_together": (("store", "account"),),
                "indexes": [Index(fields=["store", "owner"])],
                "pk_attr": "id",
                "table_description": "An account that the store emptied into another, its ``owner``, at ``merged_at``.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="CustomerRow",
            name="email",
            field=fields.CharField(null=True, max_length=320),
        ),
        ops.AddIndex(
            model_name="CustomerRow",
            index=Index(fields=["store", "email"]),
        ),
        ops.AddField(
            model_name="RedemptionRow",
            name="lapses_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddIndex(
            model_name="RedemptionRow",
            index=Index(fields=["store", "lapses_at"]),
        ),
    ]
