"""The merchant's pages and their styles know each other: no class or icon is missing or idle."""

import re
from pathlib import Path

from connector.web.assets import FOLDER

PAGES = "\n".join(
    file.read_text(encoding="utf-8") for file in Path("connector").rglob("templates/**/*.html")
)
CODE = "\n".join(file.read_text(encoding="utf-8") for file in Path("connector").rglob("*.py"))
STYLES = re.sub(r"(?s)/\*.*?\*/", "", (FOLDER / "admin.css").read_text(encoding="utf-8"))
ICONS = (FOLDER / "icons.svg").read_text(encoding="utf-8")


def test_every_class_is_styled_and_every_style_is_used():
    selectors = re.sub(r"\{[^{}]*\}", " ", STYLES)
    styled = set(re.findall(r"\.((?:ad|is|pn)-[a-z0-9-]+)", selectors))
    named = set(re.findall(r"(?<![\w#-])(?:ad|is|pn)-[a-z0-9-]+", PAGES))

    assert styled ^ named == set()


def test_every_icon_is_drawn_and_used():
    shown = re.findall(r'(?:icon\(|icon\(.* else |empty\()"(\w+)"', PAGES)
    asked = set(shown) | set(re.findall(r'Item\(n_\("[^"]+"\), "(\w+)"', CODE))

    assert asked == set(re.findall(r'id="i-(\w+)"', ICONS))


def test_the_styles_know_no_left_and_right():
    physical = r"\b(?:margin|padding|border|inset)-(?:left|right|top|bottom)\b"

    assert re.findall(physical, STYLES) == []
