from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0016_draft")]

    initial = False

    operations = [
        ops.CreateModel(
            name="LookRow",
            fields=[
                (
                    "store",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("accent", fields.CharField(null=True, max_length=7)),
                ("scheme", fields.CharField(null=True, max_length=8)),
                ("position", fields.CharField(null=True, max_length=8)),
            ],
            options={
                "table": "look",
                "app": "perennial",
                "pk_attr": "store",
                "table_description": "What a merchant chose of how a store's widgets look, null where its theme decides.",
            },
            bases=["Model"],
        ),
    ]
