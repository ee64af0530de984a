from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0001_initial")]

    initial = False

    operations = [
        ops.CreateModel(
            name="PassRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("aim", fields.CharField(max_length=16)),
                ("since", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("mark", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("began_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("listing", fields.CharField(max_length=16)),
                ("cursor", fields.CharField(null=True, max_length=500)),
                ("seen", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("changed", fields.IntField(default=0)),
            ],
            options={
                "table": "pass",
                "app": "perennial",
                "unique_together": (("store", "aim"),),
                "pk_attr": "id",
                "table_description": "A pass over a store's listings that is under way: begun again, it goes on from here.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="CustomerRow",
            name="audited_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="CustomerRow",
            name="fetch_failures",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="CustomerRow",
            name="is_gone",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddField(
            model_name="OrderRow",
            name="audited_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="OrderRow",
            name="fetch_failures",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="OrderRow",
            name="is_gone",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddField(
            model_name="ProductRow",
            name="audited_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="ProductRow",
            name="fetch_failures",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="ProductRow",
            name="is_gone",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddField(
            model_name="StoreRow",
            name="audit_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="StoreRow",
            name="disconnected_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="StoreRow",
            name="failures",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="StoreRow",
            name="old_secret_until",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="StoreRow",
            name="old_webhook_secret",
            field=fields.BinaryField(null=True),
        ),
        ops.AddField(
            model_name="StoreRow",
            name="trouble_advice",
            field=fields.TextField(default="", db_default="", unique=False),
        ),
        ops.AddField(
            model_name="StoreRow",
            name="trouble_name",
            field=fields.CharField(default="", db_default="", max_length=40),
        ),
        ops.AddField(
            model_name="StoreRow",
            name="webhooks_mended_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
