from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')", "postgres": "now()"}
DIRTY = {
    "account": "dirty_gen > settled_gen",
    "order": "dirty_gen > fetched_gen",
    "customer": "dirty_gen > fetched_gen",
    "product": "dirty_gen > fetched_gen",
}


async def begin_waiting_now(_: object, editor: BaseSchemaEditor) -> None:
    # nobody wrote down since when what is dirty has waited: since now, at least
    now = NOW[editor.client.capabilities.dialect]
    for table, dirty in DIRTY.items():
        await editor.client.execute_script(f'UPDATE "{table}" SET dirty_at = {now} WHERE {dirty}')


class Migration(migrations.Migration):
    dependencies = [("perennial", "0004_stock")]

    initial = False

    operations = [
        ops.AddField(
            model_name="AccountRow",
            name="dirty_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="CustomerRow",
            name="dirty_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="OrderRow",
            name="dirty_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="ProductRow",
            name="dirty_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.RunPython(begin_waiting_now),
        ops.RunSQL(
            [
                # in the order in which it is done: the first tells how long the lane has waited
                text
                for table, dirty in DIRTY.items()
                for text in (
                    f"DROP INDEX {table}_dirty",
                    f'CREATE INDEX {table}_dirty ON "{table}"'
                    f" (store, lane, (COALESCE(retry_at, dirty_at)), id) WHERE {dirty}",
                )
            ]
        ),
    ]
