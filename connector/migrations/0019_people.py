from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor


async def say_what_is_available(_: object, editor: BaseSchemaEditor) -> None:
    await editor.client.execute_script(
        "UPDATE account SET available = held.points FROM"
        " (SELECT store, account, SUM(points) AS points FROM entry"
        " WHERE effective_at <= CURRENT_TIMESTAMP GROUP BY store, account) AS held"
        " WHERE held.store = account.store AND held.account = account.key"
    )


class Migration(migrations.Migration):
    dependencies = [("perennial", "0018_privacy")]

    initial = False

    operations = [
        ops.AddField(
            model_name="AccountRow",
            name="available",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="LinkRow",
            name="by",
            field=fields.CharField(null=True, max_length=100),
        ),
        ops.RunPython(say_what_is_available),
    ]
