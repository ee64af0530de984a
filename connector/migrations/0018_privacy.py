from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0017_look")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ErasedRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("digest", fields.CharField(max_length=64)),
                ("erased_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "erased",
                "app": "perennial",
                "unique_together": (("store", "digest"),),
                "pk_attr": "id",
                "table_description": "An account whose person was erased ``erased_at`` last: a keyed ``digest`` of it, no more.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PrivacyRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("kind", fields.CharField(max_length=8)),
                ("by", fields.CharField(max_length=100)),
                ("about", fields.CharField(max_length=100)),
                ("accounts", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("stage", fields.CharField(max_length=16)),
                ("after", fields.CharField(default="", max_length=100)),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("done_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "privacy",
                "app": "perennial",
                "indexes": [Index(fields=["store", "kind", "done_at"])],
                "pk_attr": "id",
                "table_description": "What was asked ``by`` somebody about a person: to ``export`` all of them, or to ``erase`` it.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="StoreRow",
            name="erasure_key",
            field=fields.BinaryField(null=True),
        ),
    ]
