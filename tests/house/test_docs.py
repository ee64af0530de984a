"""The documents say what there is, and what they say runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connector import errors
from connector.cli import app
from connector.config import PREFIX, SETTINGS
from connector.features.loyalty.rules.document import parse
from connector.registry import find_features, find_platforms

README = Path("README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    *Path().glob("*.md"),
    Path("platforms/README.md"),
    Path("platforms/woocommerce/README.md"),
    Path("widgets/README.md"),
]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_every_setting_is_in_the_readme_word_for_word():
    for name, (default, what) in SETTINGS.items():
        cell = f"`{default}`" if default else ""
        row = f"| `{PREFIX}{name.upper()}` | {cell} | {what} |".replace("|  |", "| |")
        assert row in README


def test_every_setting_of_a_platform_is_in_the_readme_word_for_word():
    for platform in find_platforms().values():
        for one in platform.settings:
            name = f"{PREFIX}{platform.name}_{one.name}".upper()
            assert f"| `{name}` | | {platform.title}: {one.help}. |" in README


def all_errors(root=errors.PerennialError):
    return [one for child in root.__subclasses__() for one in (child, *all_errors(child))]


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.code)
def test_every_error_code_is_in_the_readme_with_its_status(error):
    assert f"| `{error.code}` | {error.status} |" in README
    assert error.__name__ in errors.__doc__


def test_every_command_is_in_the_readme_and_no_other():
    there = {command.name or command.callback.__name__ for command in app.registered_commands}
    told = set(re.findall(r"^\| `perennial ([a-z-]+)` \|", README, re.MULTILINE))
    assert told == there | {group.name for group in app.registered_groups}


def test_every_capability_is_in_the_adapters_document():
    told = Path("platforms/README.md").read_text(encoding="utf-8")
    for platform in find_platforms().values():
        for name in platform.capabilities.__dataclass_fields__:
            assert f"`{name}`" in told


@pytest.mark.parametrize("feature", find_features(), ids=lambda feature: feature.name)
def test_every_feature_has_tests_a_widget_and_a_word_in_the_readme(feature):
    assert list(Path("tests/connector/features", feature.name).glob("test_*.py"))
    assert f"**{feature.name}**" in README
    assert Path("widgets/src/panel").is_dir()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", text):
        assert (document.parent / link).exists(), link


def test_make_targets_in_the_documents_exist():
    makefile = Path("Makefile").read_text(encoding="utf-8")
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"^make ([a-z]+) +#|`make ([a-z]+)", text, re.MULTILINE):
            assert re.search(rf"^(?:[\w -]* )?{''.join(target)}\b[\w -]*:", makefile, re.MULTILINE)


def test_the_readmes_program_is_one():
    (text,) = blocks("toml")
    assert parse(text).name == "Coffee club"


@pytest.mark.timeout(180)
def test_the_readmes_commands_run_as_written(tmp_path):
    (script,) = blocks("bash")
    shutil.copy("connector/demo/program.toml", tmp_path / "program.toml")
    env = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"

    ended = f"trap 'kill $(jobs -p)' EXIT\n{script}"
    done = subprocess.run(
        ["bash", "-euc", ended], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )

    said = done.stdout
    assert done.returncode == 0, done.stderr
    assert "available 1064, pending 0" in said
    assert "wrote 5 accounts to out/accounts.csv" in said
