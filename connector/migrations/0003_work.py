from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

PLACED_AT = {
    "sqlite": "replace(replace(json_extract(CAST(body AS TEXT), '$.placed_at'), 'T', ' '),"
    " 'Z', '+00:00')",
    "postgres": "(convert_from(body, 'UTF8')::json ->> 'placed_at')::timestamptz",
}


async def say_when_orders_were_placed(_: object, editor: BaseSchemaEditor) -> None:
    told = PLACED_AT[editor.client.capabilities.dialect]
    await editor.client.execute_script(
        f'UPDATE "order" SET placed_at = {told} WHERE body IS NOT NULL'
    )


class Migration(migrations.Migration):
    dependencies = [("perennial", "0002_passes")]

    initial = False

    operations = [
        ops.CreateModel(
            name="CheckpointRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("form", fields.CharField(max_length=32)),
                ("body", fields.BinaryField()),
            ],
            options={
                "table": "checkpoint",
                "app": "perennial",
                "unique_together": (("store", "account", "at"),),
                "pk_attr": "id",
                "table_description": "What is left to know of an account's facts of before an instant, for accounts with many.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LeaseRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("work", fields.CharField(max_length=32)),
                ("holder", fields.CharField(max_length=32)),
                ("until_ms", fields.BigIntField()),
                ("turn_ms", fields.BigIntField()),
            ],
            options={
                "table": "lease",
                "app": "perennial",
                "unique_together": (("store", "work"),),
                "pk_attr": "id",
                "table_description": "Whose turn a store's work of one kind is: nobody else does it until then.",
            },
            bases=["Model"],
        ),
        ops.RemoveIndex(
            model_name="AccountRow",
            name=None,
            fields=["next_due_at"],
        ),
        ops.AddField(
            model_name="AccountRow",
            name="dirty_from",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="AccountRow",
            name="lane",
            field=fields.SmallIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="AccountRow",
            name="next_expiry_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="CustomerRow",
            name="lane",
            field=fields.SmallIntField(default=0, db_default=0),
        ),
        ops.RemoveIndex(
            model_name="InboxRow",
            name=None,
            fields=["state", "id"],
        ),
        ops.RemoveIndex(
            model_name="OrderRow",
            name=None,
            fields=["store", "account"],
        ),
        ops.AddField(
            model_name="OrderRow",
            name="lane",
            field=fields.SmallIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="OrderRow",
            name="placed_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddIndex(
            model_name="OrderRow",
            index=Index(fields=["store", "account", "placed_at"]),
        ),
        ops.RemoveIndex(
            model_name="OutboxRow",
            name=None,
            fields=["is_parked", "due_at"],
        ),
        ops.AddField(
            model_name="OutboxRow",
            name="lane",
            field=fields.SmallIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="ProductRow",
            name="lane",
            field=fields.SmallIntField(default=0, db_default=0),
        ),
        ops.RunPython(say_when_orders_were_placed),
        ops.RunSQL(
            [
                # of what waits, and of nothing else: these stay small
                "CREATE INDEX inbox_waiting ON inbox (store, id) WHERE state = 'waiting'",
                "CREATE INDEX account_dirty ON account (store, lane, id)"
                " WHERE dirty_gen > settled_gen",
                "CREATE INDEX account_due ON account (store, next_due_at)"
                " WHERE next_due_at IS NOT NULL",
                'CREATE INDEX order_dirty ON "order" (store, lane, id)'
                " WHERE dirty_gen > fetched_gen",
                "CREATE INDEX customer_dirty ON customer (store, lane, id)"
                " WHERE dirty_gen > fetched_gen",
                "CREATE INDEX product_dirty ON product (store, lane, id)"
                " WHERE dirty_gen > fetched_gen",
                "CREATE INDEX outbox_due ON outbox (store, kind, lane, due_at)"
                " WHERE wanted_gen > agreed_gen AND NOT is_parked",
                # points on their way count as due, too: settled once, each account knows when
                "UPDATE account SET next_expiry_at = next_due_at, lane = 1,"
                " dirty_gen = dirty_gen + 1",
            ]
        ),
    ]
