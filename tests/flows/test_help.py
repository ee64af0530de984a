"""Every page links to its part of the help, which is there."""

import re

import pytest

from connector.web import manual
from tests.flows.merchant import merchant
from tests.flows.test_merchant_roles import LEAST

PAGES = [path for method, path in LEAST if method == "GET" and "{" not in path]
WITHOUT = {
    "/admin/help/",
    "/admin/look/preview/",
    "/admin/look/preview/storefront/v1/state",
    *(path for path in PAGES if path.endswith(".csv")),
}
"""What is help itself, or no page."""


@pytest.mark.parametrize("path", sorted({*PAGES} - WITHOUT))
async def test_a_page_leads_to_its_help(town, path):
    await town.connect()
    ada = await merchant(town)
    page = await ada.http.get(path)
    (there,) = re.findall(r'<a class="ad-helped" href="([^"]+)"', page.text)
    part, _, heading = there.removeprefix(manual.HELP).partition("#")
    shown = await ada.http.get(there)
    assert shown.status_code == 200
    assert f'id="{heading or part}"' in shown.text
    assert 'aria-current="page"' in shown.text


async def test_a_part_that_is_not_there_says_where_to_look(town):
    await town.connect()
    ada = await merchant(town)
    answer = await ada.get("/help/nowhere")
    assert answer.status == 404
    assert "look at the contents" in answer.words
