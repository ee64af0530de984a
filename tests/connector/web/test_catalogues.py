"""Texts by gettext catalogues, and figures and days by the customs of their languages."""

from datetime import UTC, datetime
from fractions import Fraction
from gettext import NullTranslations

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import SettingsInvalid
from connector.web.catalogues import ENGLISH, Language, n_, read, speaking, t, tn
from connector.web.languages import Languages, wished
from connector.web.pages import compact, day, moment, money, month, number, percent, short_day

AT = datetime(2026, 11, 21, 12, 5, tzinfo=UTC)
HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
PLURAL = 'msgid "%s point"\nmsgid_plural "%s points"\n'


def catalogue(folder, name, text, head=HEAD):
    file = folder / name
    file.write_text(head + text, encoding="utf-8")
    return file


def said(language, what):
    with speaking(language, (language,)):
        return what()


def test_a_text_is_in_the_readers_language_and_else_in_english(tmp_path):
    german = read(catalogue(tmp_path, "de.po", 'msgid "Home"\nmsgstr "Start"\n'))

    assert (german.tag, german.name, german.direction) == ("de", "Deutsch", "ltr")
    assert said(german, lambda: [t("Home"), t("Access"), t(n_("Home")), t("")]) == [
        "Start", "Access", "Start", "",
    ]  # fmt: skip
    assert t("Home") == "Home"


def test_so_many_are_told_by_the_catalogues_own_rule(tmp_path):
    forms = 'msgstr[0] "%s punkt"\nmsgstr[1] "%s punkty"\nmsgstr[2] "%s punktów"\n'
    polish = read(catalogue(tmp_path, "pl.po", PLURAL + forms))

    told = said(polish, lambda: [tn("%s point", "%s points", n) % n for n in (0, 1, 2, 5, 12, 22)])
    assert told == ["0 punktów", "1 punkt", "2 punkty", "5 punktów", "12 punktów", "22 punkty"]
    assert [tn("%s point", "%s points", n) % n for n in (0, 1, 2)] == [
        "0 points", "1 point", "2 points",
    ]  # fmt: skip


def test_languages_are_written_from_their_own_side(tmp_path):
    for name, tag, direction in (
        ("ar.po", "ar", "rtl"),
        ("he.po", "he", "rtl"),
        ("pt-BR.po", "pt-BR", "ltr"),
        ("zh_Hant.po", "zh-Hant", "ltr"),
    ):
        language = read(catalogue(tmp_path, name, ""))
        assert (language.tag, language.direction) == (tag, direction)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a club.po", "", "expected only letters, got 'a club'"),
        ("tlh.po", "", "unknown locale 'tlh'"),
        ("de.po", 'msgid "Home"\nStart\n', "Unknown or misformatted keyword on 4"),
        ("de.po", 'msgid "%s off"\nmsgstr "weniger"\n', "'weniger' must have %s"),
        ("de.po", 'msgid "%s off"\nmsgstr "%s %"\n', "'%s %' must have %s"),
        ("de.po", 'msgid "Home"\nmsgstr "%s"\n', "'%s' must have no %"),
        ("de.po", 'msgid "%(a)s"\nmsgstr "%(b)s"\n', "'%(b)s' must have %(a)s"),
        ("de.po", PLURAL + 'msgstr[0] "ein Punkt"\nmsgstr[1] "%s"\n', "'ein Punkt' must have %s"),
        ("de.po", PLURAL + 'msgstr[2] "%s"\n', "more translations than num_plurals"),
    ],
)
def test_a_broken_catalogue_is_refused_in_one_line(tmp_path, name, text, words):
    file = catalogue(tmp_path, name, text)

    with pytest.raises(SettingsInvalid) as told:
        Languages(str(tmp_path))
    assert str(told.value).startswith(f"the catalogue {file} can't be used: ")
    assert words in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\0",
        b'msgid ""\nmsgstr "Content-Type: text/plain; charset=klingon\\n"\n',
        b'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n>1;\\n"\n',
    ],
)
def test_bytes_that_are_no_catalogue_are_refused(tmp_path, body):
    (tmp_path / "de.po").write_bytes(body)
    with pytest.raises(SettingsInvalid, match="can't be used"):
        Languages(str(tmp_path))


def test_who_reads_has_what_they_chose_or_what_their_browser_likes_best(tmp_path):
    catalogue(tmp_path, "pt_BR.po", "")
    languages = Languages(str(tmp_path))
    for chosen, asked, tag in (
        ("", "", "en"),
        ("", "ja", "ja"),
        ("pl", "ja", "pl"),
        ("xx", "ja", "ja"),
        ("", "de, pl;q=0.8, ja;q=0.9", "ja"),
        ("", "pl-PL,pl;q=0.9", "pl"),
        ("", "PT-br", "pt-BR"),
        ("", "ja;q=0, *", "en"),
        ("", "en-US,en;q=0.9,pl;q=0.8", "en"),
    ):
        assert languages.for_reader(chosen, asked).tag == tag, (chosen, asked)
    assert [one.tag for one in languages.offered] == ["en", "ja", "pl", "pt-BR"]


def test_an_operators_catalogue_goes_before_ours(tmp_path):
    catalogue(tmp_path, "pl.po", 'msgid "Home"\nmsgstr "Dom"\n')
    own = Languages(str(tmp_path)).for_reader("pl", "")
    assert said(own, lambda: t("Home")) == "Dom"


@given(chosen=st.text(max_size=40), asked=st.text(max_size=200))
def test_whatever_a_browser_sends_some_language_is_read(chosen, asked):
    languages = Languages()
    assert languages.for_reader(chosen, asked) in languages.offered


@given(weights=st.lists(st.integers(0, 1000), max_size=9))
def test_what_is_asked_for_more_comes_first(weights):
    tags = [f"x{'abcdefghi'[n]}" for n in range(len(weights))]
    header = ", ".join(
        f"{tag};q={weight / 1000:.3f}" for tag, weight in zip(tags, weights, strict=True)
    )
    by_tag = dict(zip(tags, weights, strict=True))
    found = wished(header)

    assert set(found) == {tag for tag, weight in by_tag.items() if weight}
    assert [by_tag[one] for one in found] == sorted((by_tag[one] for one in found), reverse=True)


FIGURES = {
    "en": (
        "\N{MINUS SIGN}12,345", "2.5K", "€1,234.50", "JP¥1,235", "12.5%",
        "21 November 2026", "21 Nov 2026", "Nov 2026", "21 November 2026, 13:05",
    ),
    "pl": (
        "\N{MINUS SIGN}12\xa0345", "2,5\xa0tys.", "1\xa0234,50\xa0€", "1\xa0235\xa0JPY", "12,5%",
        "21 listopada 2026", "21 lis 2026", "lis 2026", "21 listopada 2026, 13:05",
    ),
    "ja": (
        "\N{MINUS SIGN}12,345", "2500", "€1,234.50", "￥1,235", "12.5%",
        "2026年11月21日", "2026/11/21", "2026年11月", "2026年11月21日 13:05",
    ),
}  # fmt: skip


@pytest.mark.parametrize("tag", FIGURES)
def test_figures_and_days_follow_the_language(tag):
    def figures():
        return (
            number(-12345), compact(2500), money(123450, "EUR"), money(1235, "JPY"),
            percent(Fraction(1, 8)), day(AT, "Europe/Berlin"), short_day(AT, "Europe/Berlin"),
            month(AT, "Europe/Berlin"), moment(AT, "Europe/Berlin"),
        )  # fmt: skip

    locale = ENGLISH.locale if tag == "en" else Locale.parse(tag)
    assert said(Language(tag, tag, locale, NullTranslations()), figures) == FIGURES[tag]
