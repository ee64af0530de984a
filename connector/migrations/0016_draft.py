from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0015_analytics")]

    initial = False

    operations = [
        ops.CreateModel(
            name="DraftRow",
            fields=[
                (
                    "store",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("document", fields.TextField(unique=False)),
                ("revision", fields.IntField()),
                ("saved_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("who", fields.CharField(max_length=100)),
                (
                    "discarded_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("asked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("seen", fields.IntField(default=0)),
                ("tried", fields.TextField(null=True, unique=False)),
                ("trouble", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "draft",
                "app": "perennial",
                "pk_attr": "store",
                "table_description": "A store's program that is being written: a document that could be published as it is.",
            },
            bases=["Model"],
        ),
    ]
