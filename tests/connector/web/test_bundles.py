"""The widgets' files: the loader at a steady address, the rest for ever."""

import json

import pytest

from connector.web import bundles


@pytest.fixture
def build():
    return json.loads((bundles.FOLDER / "manifest.json").read_text(encoding="utf-8"))


async def test_the_loader_is_fresh_and_the_rest_immutable(town, build):
    loader = await town.http.get("/widgets/loader.js")
    panel = await town.http.get(f"/widgets/{build['hash']}/panel.js")

    assert loader.headers["cache-control"] == "public, max-age=300"
    assert panel.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert panel.headers["access-control-allow-origin"] == "*"
    assert loader.headers["content-type"].startswith("text/javascript")
    assert panel.content == (bundles.FOLDER / "panel.js").read_bytes()


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fbundles.py", ".hidden", "%2Fetc%2Fpasswd"])
async def test_nothing_else_is_served(town, build, name):
    assert (await town.http.get(f"/widgets/{build['hash']}/{name}")).status_code == 404
    assert (await town.http.get("/widgets/000000000000/panel.js")).status_code == 404
