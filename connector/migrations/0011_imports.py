from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0010_claims")]

    initial = False

    operations = [
        ops.AddField(
            model_name="DecisionRow",
            name="batch",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="DecisionRow",
            name="expires_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="DecisionRow",
            name="undone_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddIndex(
            model_name="DecisionRow",
            index=Index(fields=["store", "batch"]),
        ),
    ]
