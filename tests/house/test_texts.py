"""Our catalogues have every text of the merchant's pages, and no other.

Whoever writes a text on a page runs ``make texts`` and translates what it lists.
"""

from functools import cache

import pytest
from babel.messages import Catalog

from connector.web.catalogues import OURS
from tests.house.texts import catalogue, lacks, renewed, sources

FILES = sorted(OURS.glob("*.po"))
wanted = cache(sources)


def test_polish_and_japanese_are_ours():
    assert [one.stem for one in FILES] == ["ja", "pl"]


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_every_text_is_in_the_catalogue(file):
    found = lacks(catalogue(file), wanted())
    assert not found, f"run make texts, then translate in {file}:\n" + "\n".join(found)


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_the_catalogue_is_written_by_make_texts(file, tmp_path):
    written = tmp_path / file.name
    written.write_bytes(file.read_bytes())
    renewed(written, wanted())
    assert written.read_text(encoding="utf-8") == file.read_text(encoding="utf-8"), "run make texts"


def test_what_lacks_is_listed():
    texts, known = Catalog(), Catalog("pl")
    for one in ("Home", "Access", "%s off", ("%s point", "%s points")):
        texts.add(one)
    known.add("Home", "Start")
    known.add("Away", "Precz")
    known.add("Access", "")
    known.add("%s off", "rabatu")
    known.add(("%s point", "%s points"), ("%s punkt", "", ""))

    assert lacks(known, texts) == [
        "to translate: 'Access'",
        "not filled in as '%s off': 'rabatu'",
        "to translate: ('%s point', '%s points')",
        "gone: 'Away'",
    ]
