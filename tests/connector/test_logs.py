"""The log tells what happened and where, and nothing about anybody."""

import asyncio
import logging
import re

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.routing import Route

from connector import logs
from connector.web import servers

MAIL = "maya@example.test"
STAMP = re.compile(r"timestamp=\S+Z ?")


@pytest.fixture
def logged(capsys):
    """Yield what begins to log as a command does, and what returns the lines without instants."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level

    yield (
        logs.configure,
        lambda: [STAMP.sub("", line).strip() for line in capsys.readouterr().err.splitlines()],
    )
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def refuse():
    raise KeyError(MAIL)


def settle():
    try:
        refuse()
    except KeyError as error:
        raise ValueError(f"no account of {MAIL}") from error


def places(text):
    return re.sub(r":\d+:", ":", text)


def test_of_an_exception_the_types_and_places_are_told(logged):
    begin, lines = logged
    begin()
    try:
        settle()
    except ValueError:
        structlog.get_logger().exception("settling failed", account="customer:12")

    (line,) = lines()
    assert places(line) == (
        'level=error event="settling failed" account=customer:12'
        ' error="ValueError from KeyError"'
        ' at="test_logs:settle < test_logs:test_of_an_exception_the_types_and_places_are_told'
        ' from test_logs:refuse < test_logs:settle"'
    )


def test_of_a_group_the_first_and_an_exception_that_came_of_itself_once(logged):
    begin, lines = logged
    begin()
    log = structlog.get_logger()
    log.error("turns failed", exc_info=ExceptionGroup(MAIL, [OSError(MAIL), ValueError(MAIL)]))
    try:
        try:
            refuse()
        except KeyError:
            raise ValueError(MAIL) from None
    except ValueError as error:
        log.warning("alone", exc_info=error)

    first, second = lines()
    assert 'error="ExceptionGroup from OSError"' in first
    assert " error=ValueError at=" in second


def test_libraries_are_told_by_their_first_line_and_only_what_is_a_warning(logged):
    begin, lines = logged
    begin()
    logging.getLogger("asyncio").error("Task exception was never retrieved\nValueError('%s')", MAIL)
    logging.getLogger("httpx").info("GET https://store.example/?email=%s", MAIL)

    assert lines() == ['level=error event="Task exception was never retrieved" logger=asyncio']


def test_a_librarys_own_mistake_does_not_break_it(logged):
    begin, lines = logged
    begin()
    logging.getLogger("lib").warning("%d items", "many")
    logging.getLogger("lib").log(35, "odd")

    assert lines() == [
        'level=warning event="a line that can\'t be written: TypeError" logger=lib',
        "level=warning event=odd logger=lib",
    ]


async def test_what_breaks_behind_the_web_server_names_nobody(logged):
    begin, lines = logged
    begin()

    async def broken(_):
        settle()

    bound, stop = servers.listen("127.0.0.1", 0), asyncio.Event()
    bound.listen()
    app = Starlette(routes=[Route("/broken", broken)])
    async with asyncio.TaskGroup() as group, httpx.AsyncClient() as http:
        group.create_task(servers.serve([(app, bound)], stop))
        answer = await http.get(f"http://127.0.0.1:{bound.getsockname()[1]}/broken?q={MAIL}")
        stop.set()

    assert answer.status_code == 500
    (line,) = lines()
    assert 'level=error event="Exception in ASGI application" logger=uvicorn.error ' in line
    assert 'error="ValueError from KeyError" at="test_logs:' in line
    assert "maya" not in line
