from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')", "postgres": "now()"}
BACKFILL = 1


async def read_anew(_: object, editor: BaseSchemaEditor) -> None:
    # what is held says nothing of collections, nor of when an order was fulfilled
    now = NOW[editor.client.capabilities.dialect]
    await editor.client.execute_script(
        f"UPDATE product SET lane = CASE WHEN dirty_gen > fetched_gen THEN lane ELSE {BACKFILL} END,"
        f" dirty_gen = dirty_gen + 1, dirty_at = COALESCE(dirty_at, {now})"
        " WHERE body IS NOT NULL AND NOT is_gone"
    )
    await editor.client.execute_script(
        f"UPDATE store SET audit_at = {now} WHERE audit_at IS NOT NULL"
    )


class Migration(migrations.Migration):
    dependencies = [("perennial", "0012_systems")]

    initial = False

    operations = [
        ops.CreateModel(
            name="StampRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("order_id", fields.CharField(max_length=64)),
                ("body", fields.TextField(unique=False)),
                ("stamped_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "stamp",
                "app": "perennial",
                "unique_together": (("store", "order_id"),),
                "pk_attr": "id",
                "table_description": "What an order's rules read that no platform dates, as it was when it was first settled.",
            },
            bases=["Model"],
        ),
        ops.RunPython(read_anew),
    ]
