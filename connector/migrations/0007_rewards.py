from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0006_tiers")]

    initial = False

    operations = [
        ops.AddField(
            model_name="RedemptionRow",
            name="basis_points",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="RedemptionRow",
            name="kind",
            field=fields.CharField(default="amount_off", db_default="amount_off", max_length=16),
        ),
        ops.AddField(
            model_name="RedemptionRow",
            name="product_ids",
            field=fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads),
        ),
    ]
