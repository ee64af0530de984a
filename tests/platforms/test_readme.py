"""The adapters' document leads from an empty folder to green, snippet by snippet."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from platforms.conformance.check import CHECKS
from platforms.conformance.checks import load
from platforms.conformance.suite import run
from platforms.memory.adapter import PLATFORM

README = Path("platforms/README.md").read_text(encoding="utf-8")


def snippets(language):
    """Return (title, text) of the blocks in a language, in their order."""
    pattern = rf"^```{language}\n# ([^\n]+)\n(.*?)^```"
    return re.findall(pattern, README, re.DOTALL | re.MULTILINE)


def conformance(folder, *words):
    """Run ``perennial conformance corner`` as whoever installed the folder's package would."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(Path.cwd())])}
    return subprocess.run(
        [sys.executable, "-m", "connector.cli", "conformance", "corner", *words],
        cwd=folder, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


def installed(folder):
    """Do what ``pip install -e .`` does, without a network: tell Python of the entry points."""
    ((_, text),) = snippets("toml")
    project = tomllib.loads(text)["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(head, encoding="utf-8")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package as the document has it at first, and a function that writes the second half."""
    folder = tmp_path_factory.mktemp("corner")
    installed(folder)
    (folder / "corner").mkdir()
    (folder / "corner" / "__init__.py").touch()
    return folder


def test_from_an_empty_folder_over_red_to_green(package):
    stage, red, green = [one for one in snippets("python") if one[0].startswith("corner/")]
    for title, text in (stage, red):
        (package / title).write_text(text, encoding="utf-8")

    before = conformance(package)
    (shown,) = re.findall(r"^```\n(FAIL.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert before.returncode == 1, before.stderr
    said = [" ".join(line.split()) for line in before.stdout.splitlines()]
    for line in shown.splitlines():
        assert any(one.startswith(" ".join(line.split())) for one in said), line

    (package / green[0]).write_text(green[1], encoding="utf-8")
    after = conformance(package, "--json")
    document = json.loads(after.stdout)
    failed = [one for one in document["checks"] if one["status"] != "passed"]
    assert (after.returncode, failed) == (0, [])
    (claimed,) = re.findall(r"more than (\d+) of them", README)
    assert document["counts"]["passed"] > int(claimed)


async def test_the_check_that_is_shown_is_one():
    (text,) = [text for title, text in snippets("python") if title == "a check"]
    try:
        exec(compile(text, "platforms/README.md", "exec"), {})  # noqa: S102 - our own document
        result = await run(PLATFORM, CHECKS["example.guest"])
    finally:
        CHECKS.pop("example.guest", None)
    assert result.status == "passed"


def test_every_subject_is_in_the_table():
    load()
    table = README[README.index("| subject |") :]
    for subject in {name.partition(".")[0] for name in CHECKS} | {"samples"}:
        assert re.search(rf"\b{subject}\b", table), subject
