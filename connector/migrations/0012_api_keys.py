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
        ops.AddField(
            model_name="PublicationRow",
            name="key",
            field=fields.CharField(null=True, max_length=100),
        ),
    ]
