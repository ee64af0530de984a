import orjson
from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor


async def say_what_is_available(_: object, editor: BaseSchemaEditor) -> None:
    await editor.client.execute_script(
        "UPDATE account SET available = held.points FROM"
        " (SELECT store, account, SUM(points) AS points FROM entry"
        " WHERE effective_at <= CURRENT_TIMESTAMP GROUP BY store, account) AS held"
        " WHERE held.store = account.store AND held.account = account.key"
    )


async def say_whom_messages_are_about(_: object, editor: BaseSchemaEditor) -> None:
    last, mark = 0, "?{}" if editor.client.capabilities.dialect == "sqlite" else "${}"
    write = f"UPDATE message SET member = {mark.format(1)} WHERE id = {mark.format(2)}"
    while rows := await editor.client.execute_query_dict(
        f"SELECT id, body FROM message WHERE id > {last} ORDER BY id LIMIT 500"
    ):
        last = rows[-1]["id"]
        await editor.client.execute_many(write, [[member(row["body"]), row["id"]] for row in rows])


def member(body: str) -> str | None:
    try:
        found = orjson.loads(body)["data"]["member"]
    except (ValueError, LookupError, TypeError):
        return None
    return found if isinstance(found, str) else None


class Migration(migrations.Migration):
    dependencies = [("perennial", "0020_sender")]

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
        ops.AddField(
            model_name="MessageRow",
            name="member",
            field=fields.CharField(null=True, max_length=100),
        ),
        ops.AddIndex(
            model_name="MessageRow",
            index=Index(fields=["store", "member"]),
        ),
        ops.RunPython(say_what_is_available),
        ops.RunPython(say_whom_messages_are_about),
    ]
