import unicodedata

import orjson
from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor


async def say_names(_: object, editor: BaseSchemaEditor) -> None:
    last, mark = 0, "?{}" if editor.client.capabilities.dialect == "sqlite" else "${}"
    write = "UPDATE customer SET name = {}, surname = {} WHERE id = {}"
    while rows := await editor.client.execute_query_dict(
        f"SELECT id, body FROM customer WHERE id > {last} AND body IS NOT NULL ORDER BY id LIMIT 500"
    ):
        last = rows[-1]["id"]
        values = []
        for row in rows:
            body = orjson.loads(row["body"])
            first, family = (sought(body.get(name) or "") for name in ("first_name", "last_name"))
            name, surname = f"{first} {family}".strip(), f"{family} {first}".strip()
            values.append([name[:200], surname[:200], row["id"]])
        text = write.format(*(mark.format(number) for number in (1, 2, 3)))
        await editor.client.execute_many(text, values)


def sought(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text.replace("\0", "")).casefold()
    return " ".join(plain.split())


async def find_by_names(_: object, editor: BaseSchemaEditor) -> None:
    # beginnings are compared byte by byte, as SQLite does anyway
    how = "" if editor.client.capabilities.dialect == "sqlite" else ' COLLATE "C"'
    for name in ("email", "name", "surname"):
        await editor.client.execute_script(
            f"CREATE INDEX customer_by_{name} ON customer (store, {name}{how})"
        )


class Migration(migrations.Migration):
    dependencies = [("perennial", "0013_ways")]

    initial = False

    operations = [
        ops.CreateModel(
            name="DeedRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("who", fields.CharField(max_length=100)),
                ("role", fields.CharField(max_length=16)),
                ("what", fields.CharField(max_length=40)),
                ("about", fields.CharField(max_length=200)),
                ("said", fields.TextField(unique=False)),
            ],
            options={
                "table": "deed",
                "app": "perennial",
                "indexes": [Index(fields=["store", "id"]), Index(fields=["store", "about"])],
                "pk_attr": "id",
                "table_description": "Something that somebody did on a merchant's pages: the audit log. Kept for ever.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SessionRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("who", fields.CharField(max_length=100)),
                ("role", fields.CharField(max_length=16)),
                ("digest", fields.CharField(max_length=64)),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "session",
                "app": "perennial",
                "indexes": [Index(fields=["store", "ends_at"])],
                "pk_attr": "id",
                "table_description": "A merchant's pages, open to somebody in a ``role`` until ``ends_at``, or until it is ended.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="CustomerRow",
            name="name",
            field=fields.CharField(null=True, max_length=200),
        ),
        ops.AddField(
            model_name="CustomerRow",
            name="surname",
            field=fields.CharField(null=True, max_length=200),
        ),
        ops.AddIndex(
            model_name="CustomerRow",
            index=Index(fields=["store", "id"]),
        ),
        ops.RunPython(say_names),
        ops.RunPython(find_by_names),
    ]
