"""The help is the README, whole: its parts, its links, and nothing that runs."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from connector.web import manual

README = Path("README.md").read_text(encoding="utf-8")
PLAIN = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
TITLES = re.findall(r"^## (.+)$", PLAIN, re.MULTILINE)


class Seen(HTMLParser):
    """What a part has: ids, links, tags, and its words."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.links, self.tags, self.words = [], [], set(), ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []

    def handle_data(self, data):
        self.words += data


def test_each_part_of_the_readme_is_a_page():
    assert [one.heading.title for one in manual.parts().values()] == TITLES


@pytest.mark.parametrize("name", list(manual.parts()))
def test_its_links_lead_somewhere(name):
    seen = Seen(manual.parts()[name].html)
    ids = {part: {*Seen(one.html).ids} for part, one in manual.parts().items()}
    for link in seen.links:
        if link.startswith("https://"):
            continue
        part, _, heading = link.removeprefix(manual.HELP).partition("#")
        assert part in ids, link
        assert not heading or heading in ids[part], link


@pytest.mark.parametrize("name", list(manual.parts()))
def test_nothing_of_it_runs_or_is_fetched(name):
    assert not Seen(manual.parts()[name].html).tags & {"script", "img", "iframe", "style", "form"}


def test_headings_are_named_as_links_on_the_web_name_them():
    part = manual.parts()["the-merchants-pages"]
    assert part.heading.title == "The merchant's pages"
    assert "personal-data" in [one.id for one in part.headings]
    assert 'id="personal-data"' in part.html


def test_what_leads_to_a_file_is_words():
    html = manual.parts()["connect-your-own-store"].html
    assert "platforms/shopify" in README
    assert "platforms/shopify" not in html
    assert "its document" in html


def test_a_heading_has_an_address():
    assert manual.place("home") == "/admin/help/the-merchants-pages#home"
    assert manual.place("moving") == "/admin/help/moving"
    with pytest.raises(KeyError):
        manual.place("nowhere")
