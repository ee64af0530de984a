from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0007_rewards")]

    initial = False

    operations = [
        ops.CreateModel(
            name="DecisionRow",
            fields=[
                ("id", fields.CharField(primary_key=True, max_length=64)),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("key", fields.CharField(max_length=100)),
                ("kind", fields.CharField(max_length=16)),
                ("decided_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("points", fields.BigIntField(default=0)),
                ("tier", fields.CharField(null=True, max_length=100)),
                ("is_locked", fields.BooleanField(default=False)),
                ("reason", fields.CharField(max_length=500)),
            ],
            options={
                "table": "decision",
                "app": "perennial",
                "unique_together": (("store", "account", "key"),),
                "pk_attr": "id",
                "table_description": "What a merchant decided about one account, kept for ever.",
            },
            bases=["Model"],
        ),
    ]
