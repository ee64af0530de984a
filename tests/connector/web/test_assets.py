"""Files of the merchant's pages: what is there is served for ever, nothing else is."""

import pytest

from connector.web.assets import FOLDER, NAMES, asset

KINDS = ("text/css", "text/javascript", "image/svg+xml", "text/javascript", "text/css")


@pytest.mark.parametrize(("name", "kind"), [*zip(NAMES, KINDS, strict=True)])
async def test_a_file_is_served_at_its_address_for_a_year(town, name, kind):
    answer = await town.http.get(asset(name))

    assert answer.content == (FOLDER / name).read_bytes()
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/admin/static/0000000000000000/admin.css",
        asset("admin.css").replace("admin.css", "icons.svg"),
        asset("admin.css").replace("admin.css", "..%2fassets.py"),
        "/admin/static/x/assets.py",
    ],
)
async def test_nothing_else_is(town, path):
    answer = await town.http.get(path)
    assert (answer.status_code, b"hashlib" in answer.content, b"ad-" in answer.content) == (
        404,
        False,
        False,
    )
    assert "immutable" not in answer.headers.get("cache-control", "")
