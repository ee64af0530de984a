"""Programs to begin with: each can be published as it is, and the README says what it comes to."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.errors import RequestInvalid
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.simulation import Simulation
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.simulation import simulate
from connector.features.loyalty.starters import NAMES, starter
from platforms.woocommerce.fake import load
from tests.flows.operator import RECORDED
from tests.flows.recorded_ways import SITE, begun, passed
from tests.town import founded

README = Path("README.md").read_text(encoding="utf-8")
YEAR = datetime(2025, 11, 22, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)


async def test_each_can_be_published_in_the_stores_own_currency(town):
    row = await town.connect(program=None)
    row.currency, row.timezone = "JPY", "Asia/Tokyo"
    for name in NAMES:
        document = starter(name, row)
        program = parse(document)
        assert (program.currency, program.timezone) == ("JPY", "Asia/Tokyo")
        assert "EUR" not in document
        assert all(one.is_in("JPY") for one in program.reward)
        await Loyalty(town.system.tools).programs.publish(row, document)


async def test_there_are_four(town):
    row = await town.connect(program=None)
    assert NAMES == ("b2b", "beauty", "coffee", "fashion")
    with pytest.raises(RequestInvalid, match="b2b, beauty, coffee, fashion"):
        starter("tea", row)


async def test_the_readme_says_what_they_come_to_on_the_recorded_store(empty_database, tmp_path):
    async with founded(empty_database, tmp_path, SITE) as town:
        load(town.shop, RECORDED)
        await begun(town)
        await passed(town, "sync")
        row = await town.row()
        for name in NAMES:
            simulation = Simulation(parse(starter(name, row)), row.currency, *YEAR)
            async for _ in simulate(row.id, simulation):
                pass
            assert line(name, simulation.report) in README


def line(name, report):
    """A line of the README's table."""
    owed, worth, total = report.available + report.pending, report.worth, report.total
    kept = total.issued - total.taken_back
    share = worth.of(kept) / report.sales["USD"]
    tiers = ", ".join(f"{count} {tier}" for tier, count in report.tiers.items())
    cells = [f"`{name}`", f"{total.issued:,}", f"{total.taken_back:,}", f"{total.expired:,}"]
    cells += [f"{owed:,}", f"{worth.of(kept) / 100:,.2f} USD, {share:.1%}", tiers]
    return f"| {' | '.join(cells)} |"
