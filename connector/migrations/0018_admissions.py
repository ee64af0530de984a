from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0017_moving")]

    initial = False

    operations = [
        ops.CreateModel(
            name="AdmissionRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("cause", fields.CharField(max_length=300)),
                ("order_id", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("lane", fields.SmallIntField(default=0, db_default=0)),
                ("effective_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("asked", fields.BigIntField()),
                ("worths", fields.TextField(unique=False)),
                ("demanded", fields.BigIntField(default=0, db_default=0)),
                ("admitted", fields.BigIntField(default=0, db_default=0)),
                ("ceded", fields.BigIntField(default=0, db_default=0)),
                ("spare", fields.BigIntField(default=0, db_default=0)),
                ("waits_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("spare_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "admission",
                "app": "perennial",
                "unique_together": (("store", "cause"),),
                "indexes": [
                    Index(fields=["store", "waits_at"]),
                    Index(fields=["store", "spare_at"]),
                    Index(fields=["store", "account"]),
                ],
                "pk_attr": "id",
                "table_description": "What of a program's budget was decided about a cause, such as an order by one rule.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BudgetRow",
            fields=[
                (
                    "store",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("held", fields.BigIntField()),
            ],
            options={
                "table": "budget",
                "app": "perennial",
                "pk_attr": "store",
                "table_description": "What all admissions of a store hold together: ``admitted`` less ``ceded``.",
            },
            bases=["Model"],
        ),
    ]
