from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0015_until")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ActRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("key", fields.CharField(max_length=100)),
                ("kind", fields.CharField(max_length=16)),
                ("name", fields.CharField(default="", max_length=64)),
                ("happened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("noted_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "act",
                "app": "perennial",
                "unique_together": (("store", "account", "key"),),
                "pk_attr": "id",
                "table_description": "Something that a customer did besides buying, as another system told us.",
            },
            bases=["Model"],
        ),
    ]
