from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0014_staff")]

    initial = False

    operations = [
        ops.CreateModel(
            name="FiguresRow",
            fields=[
                (
                    "store",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "computed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("failed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("body", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "figures",
                "app": "perennial",
                "pk_attr": "store",
                "table_description": "The figures of a store as they last came out: ``body`` has them as JSON, of ``computed_at``.",
            },
            bases=["Model"],
        ),
    ]
