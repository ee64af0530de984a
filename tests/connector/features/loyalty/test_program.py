"""Program documents: read as written, refused with the path of the mistake."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.errors import InvalidProgram
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.program import in_force, publications
from tests.town import PROGRAM

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_demos_document_is_what_it_says():
    program = parse(Path("connector/demo/program.toml").read_text(encoding="utf-8"))

    assert program.name == "Northlight Rewards"
    assert program.earn[0].per_minor == {"EUR": 100}
    assert [(one.id, one.cost) for one in program.reward] == [("5-off", 500), ("10-off", 1000)]
    assert program.earn_from == datetime(2025, 1, 1, tzinfo=UTC)


TIERS = """
[tiers]
by = "spend"
window = "lifetime"

[[tiers.tier]]
name = "Silver"
from_minor = { EUR = 20000 }

[[tiers.tier]]
name = "Gold"
from_minor = { EUR = 60000 }

[[reward]]
"""


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('name = "Town club"', "name = 7", "name: Expected a text, got a whole number"),
        ("points = 5", "points = 0", "earn[0].points: Expected a whole number >= 1"),
        ("points = 5", 'points = "5"', "earn[0].points: Expected a whole number, got a text"),
        ("points = 5", "points = 5\ncooldown = 1", "earn[0]: this version does not know the field"),
        ("points = 5", 'points = 5\ncaps = [{ points = 9, per = "month" }]',
         "earn[0].caps[0].per: Invalid enum value 'month': write 'calendar_day' or"),
        ("points = 5", 'points = 5\ncaps = [{ points = 0, per = "lifetime" }]',
         "earn[0].caps[0].points: Expected a whole number >= 1"),
        ("[[reward]]", '[[multiplier]]\nwhen = {}\nfactor = "0"\n[[reward]]',
         "multiplier[0].factor: '0' is none; write one like \"1.5\", above 0"),
        ("[[reward]]", '[[multiplier]]\nwhen = {}\nfactor = "1,5"\n[[reward]]',
         "multiplier[0].factor: '1,5' is none"),
        ("[[reward]]", '[[multiplier]]\nwhen = {}\nfactor = "٢"\n[[reward]]',
         "multiplier[0].factor: '٢' is none"),
        ("[[reward]]", '[[multiplier]]\nwhen = {}\nfactor = 2\n[[reward]]',
         "multiplier[0].factor: Expected a text, got a whole number"),
        ("[[reward]]",
         '[[multiplier]]\nwhen = { from = 2026-11-27T00:00:00 }\nfactor = "2"\n[[reward]]',
         "multiplier[0].when: say the zone too, such as 2026-11-27T00:00:00Z"),
        ("[[reward]]", '[[multiplier]]\nfactor = "2"\n[multiplier.when]\n'
         'from = 2026-11-27T00:00:00Z\nuntil = 2026-11-26T00:00:00Z\n[[reward]]',
         "multiplier[0].when: it ends before it begins"),
        ('kind = "order"', 'kind = "party"', "earn[0].kind: Invalid enum value 'party'"),
        ("[[reward]]", '[[earn]]\nid="quiz"\nkind="event"\npoints=1\n[[reward]]',
         "earn[1].event: say which one, such as quiz"),
        ("points = 5", 'points = 5\npending_until = "sent"',
         "earn[0].pending_until: Invalid enum value 'sent': write 'delivered' or 'fulfilled'"),
        ("[[reward]]",
         '[[earn]]\nid="w"\nkind="sign_up"\npoints=1\npending_until="delivered"\n[[reward]]',
         "earn[1].pending_until: sign_up has none"),
        ("points = 5", 'points = 5\nexclude = { collections = [""] }',
         "earn[0].exclude.collections[0]: Expected a text of length >= 1"),
        ("[[reward]]",
         '[[earn]]\nid="r"\nkind="review"\npoints=1\nexclude={collections=["x"]}\n[[reward]]',
         "earn[1].exclude: review has none"),
        ("[[reward]]", '[[multiplier]]\nwhen = { collections = "x" }\nfactor = "2"\n[[reward]]',
         "multiplier[0].when: this version does not know the field `collections`: did you mean"
         " `collection`?"),
        ("[[reward]]", '[[earn]]\nid="n"\nkind="newsletter"\npoints=1\ncooldown_days=3\n[[reward]]',
         "earn[1].cooldown_days: newsletter has none"),
        ("[[reward]]", '[[earn]]\nid="share"\nkind="social_share"\npoints=5\n[[reward]]',
         "earn[1]: nobody can check that something was shared: give no more than 100 points"),
        ("[[reward]]", '[[earn]]\nid="review"\nkind="review"\npoints=5\nevent="x"\n[[reward]]',
         "earn[1].event: review has none"),
        ('currency = "EUR"', 'currency = "EURO"', "currency: 'EURO' is no currency code"),
        ("{ EUR = 100 }", "{ XXZ = 100 }", "earn[0].per_minor: 'XXZ' is no currency code"),
        ("Europe/Berlin", "Berlin", "timezone: 'Berlin' is none; write one like Europe/Warsaw"),
        ("00:00:00Z", "00:00:00", "earn_from: say the zone too"),
        ("engine = 1", "engine = 2", "engine: Invalid enum value 2"),
        ("cost = 500", "", "reward[0]: missing the field `cost`"),
        ("cost = 500", "cost = 500\nstock = 0", "reward[0].stock: Expected a whole number >= 1"),
        ('"Town club"', '"  "', "name: write it in letters, in one line"),
        ("[[reward]]", TIERS.replace('"Gold"', '"Go\\u0000ld"'),
         "tiers.tier[1].name: write it in letters, in one line"),
        ("cost = 500", "cost = 500\nfrom = 2026-01-01",
         "reward[0].from: Expected a time such as 2026-11-27T00:00:00Z, got a day"),
        ("[[reward]]", "[prizes]\n[[reward]]",
         "the document: this version does not know the field `prizes`; those here are name"),
        ("[[reward]]", "[budget]\n[[reward]]", "budget: missing the field `points`"),
        ("[[reward]]", "[budget]\npoints = 0\n[[reward]]",
         "budget.points: Expected a whole number >= 1"),
        ("[[reward]]", "[budget]\npoints = -5\n[[reward]]",
         "budget.points: Expected a whole number >= 1"),
        ("[[reward]]", '[budget]\npoints = "many"\n[[reward]]',
         "budget.points: Expected a whole number, got a text"),
        ("[[reward]]", '[budget]\npoints = 5\nper = "lifetime"\n[[reward]]',
         "budget: this version does not know the field `per`; those here are points"),
        ("cost = 500", "costs = 500", "`costs`: did you mean `cost`?"),
        ("[[reward]]", "[[tiers]]", "tiers: Expected a table, got a list"),
        ("[[reward]]", TIERS.replace("lifetime", "a year"),
         "tiers.window: Expected a text such as lifetime, calendar_year or rolling_months:12"),
        ("[[reward]]", TIERS.replace('"spend"', '"money"'),
         "tiers.by: Invalid enum value 'money': write 'orders' or 'points' or 'spend'"),
        ("[[reward]]", TIERS.replace("Gold", "Silver"), "tiers.tier: two tiers have one name"),
        ("[[reward]]", TIERS.replace('"spend"', '"points"'),
         "tiers.tier[0]: tiers are by points, so write from_points and no other"),
        ("[[reward]]", TIERS.replace("60000", "20000"),
         "tiers.tier[1].from_minor: more than Silver needs, in the same currencies"),
        ("[[reward]]", TIERS.replace("EUR = 60000", "USD = 60000"),
         "tiers.tier[1].from_minor: more than Silver needs, in the same currencies"),
        ("[[reward]]", TIERS.replace("EUR", "XXZ"),
         "tiers.tier[0].from_minor: 'XXZ' is no currency code"),
        ("[[reward]]", TIERS.replace('name = "Gold"', 'name = "Gold"\nbenefits = ["early_access"]'),
         "tiers.tier[1].benefits[0]: there is no benefit 'early_access';"
         " write one of free_shipping, free_returns"),
        ("[[reward]]", TIERS.replace('"Gold"', '"Gold"\nbenefits = ["free_shiping"]'),
         "tiers.tier[1].benefits[0]: there is no benefit 'free_shiping':"
         " did you mean `free_shipping`?"),
        ("[[reward]]", TIERS.replace('"Gold"', '"Gold"\nbenefits = ["b", "b"]'),
         "tiers.tier[1].benefits: each once"),
        ("[[reward]]", TIERS.replace('"Gold"', '"Gold"\nentry_points = 0'),
         "tiers.tier[1].entry_points: Expected a whole number >= 1"),
        ("amount_off", "percent_off", "reward[0].value_minor: percent_off has none"),
        ("cost = 500", "cost = 500\npercent = 10", "reward[0].percent: amount_off has none"),
        ("value_minor = { EUR = 500 }", "", "reward[0]: amount_off needs value_minor"),
        ("amount_off", "product_off", "reward[0]: product_off needs products"),
        ("amount_off", "part_of_cart", "reward[0]: part_of_cart needs maximum_points"),
        ("cost = 500", "cost = 500\nmaximum_points = 500",
         "reward[0].maximum_points: amount_off has none"),
        ("cost = 500", "cost = 500\nminimum_points = 500",
         "reward[0].minimum_points: amount_off has none"),
        ('"amount_off"\ncost = 500', '"part_of_cart"\ncost = 500\nmaximum_points = 600',
         "reward[0].maximum_points: write a multiple of its cost, 500"),
        ('"amount_off"\ncost = 500',
         '"part_of_cart"\ncost = 500\nminimum_points = 1500\nmaximum_points = 1000',
         "reward[0].maximum_points: less than the minimum"),
        ("cost = 500", "cost = 500\ngives_back = true",
         "reward[0].gives_back: say when codes end, by code_expires_days"),
        ("cost = 500", "cost = 500\ncost_in = { Gold = 300 }",
         "reward[0].cost_in: there is no tier 'Gold'; there are no tiers"),
        ('"amount_off"\ncost = 500\nvalue_minor = { EUR = 500 }',
         '"free_product"\ncost = 500\nproducts = ["1", "1"]',
         "reward[0].products: 20 at most to choose from, each once"),
        ("cost = 500", "cost = 500\nfrom = 2026-11-27T00:00:00",
         "reward[0]: say the zone too, such as 2026-11-27T00:00:00Z"),
        ("cost = 500", "cost = 500\nfrom = 2026-11-27T00:00:00Z\nuntil = 2026-11-26T00:00:00Z",
         "reward[0]: it ends before it begins"),
        ("cost = 500", 'cost = 500\ntiers = ["Gold"]',
         "reward[0].tiers: there is no tier 'Gold'; there are no tiers"),
        ("[[reward]]", '[[multiplier]]\nwhen = { tier = "gold" }\nfactor = "2"\n' + TIERS,
         "multiplier[0].when.tier: there is no tier 'gold'; write one of Gold, Silver"),
        ("[[reward]]", "[[reward", "this is no TOML"),
        ("points = 5", 'points = 5\ncount = ["tax"]',
         "earn[0].count: write lines, shipping or fees; tax is that of what counts"),
        ("[[reward]]", '[[earn]]\nid="b"\nkind="order"\npoints=1\n[[reward]]',
         "earn[1]: order needs per_minor"),
        ("[[reward]]", '[[earn]]\nid="orders"\nkind="sign_up"\npoints=1\n[[reward]]',
         "earn: two rules have one id"),
        ('kind = "order"', 'kind = "sign_up"', "earn[0].per_minor: sign_up has none"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_path(was, becomes, said):
    assert was in PROGRAM
    with pytest.raises(InvalidProgram) as caught:
        parse(PROGRAM.replace(was, becomes, 1))
    assert said in str(caught.value)


def test_a_version_holds_from_its_own_beginning_until_the_next():
    program = parse(PROGRAM)
    versions = publications([(AT, program), (AT + timedelta(days=9), program)])

    assert [one.begins_at for one in versions] == [
        datetime(2025, 1, 1, tzinfo=UTC),
        AT + timedelta(days=9),
    ]
    assert in_force(versions, datetime(2024, 12, 31, tzinfo=UTC)) is None
    assert in_force(versions, AT) == versions[0]
    assert in_force(versions, AT + timedelta(days=9)) == versions[1]


def test_a_re_rate_holds_since_its_instant_in_place_of_what_began_later():
    program, day = parse(PROGRAM), timedelta(days=1)
    first, second = (AT, program), (AT + 5 * day, program)
    rated = (AT + 9 * day, program, AT + 3 * day)

    versions = publications([first, second, rated])
    assert [(one.version, one.begins_at) for one in versions[1:]] == [(3, AT + 3 * day)]
    for hours, number in ((0, 1), (71, 1), (72, 3), (6 * 24, 3), (99 * 24, 3)):
        found = in_force(versions, AT + timedelta(hours=hours))
        assert found is not None
        assert found.version == number
    (*_, last) = publications([first, second, rated, (AT + 12 * day, program)])
    assert last.begins_at == AT + 12 * day


MEMBER = "benefit[0]: member_price needs percent, or else value_minor and products"


@pytest.mark.parametrize(
    ("kind", "terms", "said"),
    [
        ("gift", "", "benefit[0].kind: Invalid enum value 'gift': write 'early_access' or"
         " 'free_returns' or 'free_shipping' or 'member_price'"),
        ("free_shipping", "percent = 10", "benefit[0].percent: free_shipping has none"),
        ("free_shipping", "minimum_minor = { XXZ = 1 }",
         "benefit[0].minimum_minor: 'XXZ' is no currency code; write one like EUR"),
        ("free_returns", 'products = ["7"]', "benefit[0].products: free_returns has none"),
        ("early_access", "", "benefit[0]: early_access needs products"),
        ("early_access", 'products = ["7"]\nfrom = 2026-11-27T00:00:00',
         "benefit[0]: say the zone too, such as 2026-11-27T00:00:00Z"),
        ("member_price", "", MEMBER),
        ("member_price", 'percent = 5\nproducts = ["7"]', MEMBER),
        ("member_price", 'products = ["7"]',
         "benefit[0]: an amount off products needs value_minor too"),
        ("member_price", "value_minor = { EUR = 5 }",
         "benefit[0]: an amount off products needs products too"),
        ("free_returns", '[[benefit]]\nid = "a"\nkind = "free_returns"',
         "benefit: two benefits have one id"),
    ],
)  # fmt: skip
def test_a_benefit_that_cannot_be_is_told_with_its_path(kind, terms, said):
    with pytest.raises(InvalidProgram) as caught:
        parse(f'{PROGRAM}\n[[benefit]]\nid = "a"\nkind = "{kind}"\n{terms}\n')
    assert str(caught.value) == said
