from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0009_links")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ClaimRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("customer_id", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("email", fields.BinaryField()),
                ("locale", fields.CharField(max_length=8)),
                (
                    "asked_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
                ("tries", fields.IntField(default=0)),
            ],
            options={
                "table": "claim",
                "app": "perennial",
                "indexes": [
                    Index(fields=["store", "customer_id"]),
                    Index(fields=["store", "account"]),
                ],
                "pk_attr": "id",
                "table_description": "A customer who says that a guest's ``account`` is theirs, and is to prove it by a code.",
            },
            bases=["Model"],
        ),
    ]
