import unicodedata

import orjson
from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
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


async def say_addresses(_: object, editor: BaseSchemaEditor) -> None:
    last = 0
    while rows := await editor.client.execute_query_dict(
        f"SELECT id, body FROM customer WHERE id > {last} AND body IS NOT NULL ORDER BY id LIMIT 500"
    ):
        last = rows[-1]["id"]
        for row in rows:
            email = unicodedata.normalize("NFC", orjson.loads(row["body"]).get("email") or "")
            mark = "?" if editor.client.capabilities.dialect == "sqlite" else "$1"
            await editor.client.execute_query(
                f"UPDATE customer SET email = {mark} WHERE id = {row['id']}",
                [email.strip().lower().replace("\0", "")[:320]],
            )


class Migration(migrations.Migration):
    dependencies = [("perennial", "0012_systems")]

    initial = False

    operations = [
        ops.CreateModel(
            name="EntitlementRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("customer_id", fields.CharField(max_length=64)),
                ("benefit", fields.CharField(max_length=64)),
                ("kind", fields.CharField(max_length=16)),
                ("discount", fields.CharField(null=True, max_length=16)),
                ("basis_points", fields.IntField(default=0)),
                ("amount_minor", fields.BigIntField(default=0)),
                ("product_ids", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("minimum_minor", fields.BigIntField(default=0)),
                ("currency", fields.CharField(max_length=3)),
                ("since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "entitlement",
                "app": "perennial",
                "indexes": [Index(fields=["store", "account", "ended_at"])],
                "pk_attr": "id",
                "table_description": "A perk that a customer holds because of their tier, ``since`` then and until ``ended_at``.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MergeRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("owner", fields.CharField(max_length=100)),
                ("merged_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "merge",
                "app": "perennial",
                "unique_together": (("store", "account"),),
                "indexes": [Index(fields=["store", "owner"])],
                "pk_attr": "id",
                "table_description": "An account that the store emptied into another, its ``owner``, at ``merged_at``.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PerkCodeRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("customer_id", fields.CharField(max_length=64)),
                ("entitlement", fields.CharField(db_index=True, max_length=64)),
                ("code", fields.CharField(max_length=100)),
                ("email", fields.CharField(null=True, max_length=320)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="reserved", max_length=8)),
                ("is_wanted", fields.BooleanField(default=True)),
            ],
            options={
                "table": "perk_code",
                "app": "perennial",
                "unique_together": (("store", "code"),),
                "indexes": [Index(fields=["store", "account"])],
                "pk_attr": "id",
                "table_description": "A code of an ``entitlement``, good for one order: the next one is made once it is used.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PerkUseRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store", fields.CharField(max_length=64)),
                ("account", fields.CharField(max_length=100)),
                ("benefit", fields.CharField(max_length=64)),
                ("kind", fields.CharField(max_length=16)),
                ("key", fields.CharField(max_length=200)),
                ("used_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "perk_use",
                "app": "perennial",
                "unique_together": (("store", "account", "benefit", "key"),),
                "pk_attr": "id",
                "table_description": "A use of a perk, by the ``key`` of what it was used on: ``order:`` with an id, or another.",
            },
            bases=["Model"],
        ),
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
        ops.AddField(
            model_name="AccountRow",
            name="remind_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="CustomerRow",
            name="email",
            field=fields.CharField(null=True, max_length=320),
        ),
        ops.AddIndex(
            model_name="CustomerRow",
            index=Index(fields=["store", "email"]),
        ),
        ops.AddField(
            model_name="RedemptionRow",
            name="lapses_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.RunPython(read_anew),
        ops.RunPython(say_addresses),
        ops.RunSQL(
            [
                "CREATE INDEX account_remind ON account (store, remind_at)"
                " WHERE remind_at IS NOT NULL",
                "CREATE INDEX redemption_lapsed ON redemption (store, lapses_at)"
                " WHERE lapses_at IS NOT NULL AND state <> 'used'",
            ]
        ),
    ]
