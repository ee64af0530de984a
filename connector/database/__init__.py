"""One database for the process: opened, migrated, and written in short transactions."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from types import ModuleType
from typing import Any

from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from connector.database import postgres, sqlite
from connector.errors import DatabaseUnusable

APP = "perennial"
LATEST = "__latest__"
PASSWORD = re.compile(r":[^:@/]*@")
ENGINES = {scheme: engine for engine in (sqlite, postgres) for scheme in engine.SCHEMES}


def config(
    url: str, models: Sequence[str], client: str | None = None, *, is_patient: bool = False
) -> dict[str, Any]:
    """Return tortoise's configuration for a ``sqlite://FILE`` or ``postgres://`` address.

    ``client`` is a module whose ``client_class`` is used in place of ours; ``is_patient`` where a
    statement may take as long as it likes.
    """
    engine = _engine(url)
    connection = {
        "engine": client or engine.__name__,
        "credentials": engine.credentials(url, is_patient=is_patient),
    }
    return {
        "connections": {"default": connection},
        "apps": {
            APP: {
                "models": list(models),
                "default_connection": "default",
                "migrations": "connector.migrations",
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


def _engine(url: str) -> ModuleType:
    return ENGINES[url.partition("://")[0]]


@asynccontextmanager
async def opened(
    url: str, models: Sequence[str], client: str | None = None, *, is_patient: bool = False
) -> AsyncIterator[None]:
    """Hold the database open; closed however the block ends, or the process would hang.

    Raises:
        DatabaseUnusable: it can't be opened, or is no database.
    """
    try:
        await _engine(url).probe(url)
    except Exception as error:
        name = PASSWORD.sub(":***@", url)
        raise DatabaseUnusable(
            f"{name} can't be opened ({error}): check PERENNIAL_DATABASE_URL"
        ) from error
    await Tortoise.init(
        config=config(url, models, client, is_patient=is_patient), _enable_global_fallback=True
    )
    try:
        yield
    finally:
        await Tortoise.close_connections()


def sole(url: str, role: str) -> AbstractContextManager[None]:
    """Be the only process of a kind, where the engine has room for one only.

    Raises:
        DatabaseUnusable: there is one already; the message says what to do.
    """
    hold: AbstractContextManager[None] = _engine(url).sole(url, role)
    return hold


async def migrate(url: str, models: Sequence[str], name: str = LATEST) -> list[str]:
    """Bring the open database to a migration; return the names of the steps taken."""
    executor, target = _executor(url, models), _target(name)
    steps = [step.migration.name for step in await executor.plan(target)]
    await executor.migrate(target)
    return steps


async def pending(url: str, models: Sequence[str]) -> list[str]:
    """Return the names of the steps that ``migrate`` would take."""
    return [step.migration.name for step in await _executor(url, models).plan(_target(LATEST))]


def _executor(url: str, models: Sequence[str]) -> MigrationExecutor:
    return MigrationExecutor(get_connection("default"), config(url, models)["apps"])


def _target(name: str) -> list[MigrationTarget]:
    return [MigrationTarget(app_label=APP, name=name)]


def tables_with(column: str) -> set[str]:
    """Return the names of the tables that have a column."""
    models = Tortoise.apps.get_models_iterable() if Tortoise.apps else ()
    metas = [one._meta for one in models]
    return {one.db_table for one in metas if column in one.fields_db_projection.values()}
