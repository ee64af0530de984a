"""What operators are told: alive, fit to work, and figures without anybody's name in them."""

from tests.town import SERVICE


async def figures(town):
    answer = await town.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_ready_says_how_long_the_oldest_delivery_has_waited(town):
    await town.connect()
    town.order(town.product(), 1)
    await town.shop.deliveries_done()
    town.clock.forward(seconds=90)

    assert (await town.http.get("/ready")).json() == {"status": "ready", "inbox_lag_s": 90.0}
    await town.settle()
    assert (await town.http.get("/ready")).json() == {"status": "ready", "inbox_lag_s": 0.0}


async def test_figures_count_what_was_done_and_what_waits(town):
    await town.connect()
    before = await figures(town)
    town.order(town.product(), 3, town.shopper())
    await town.shop.deliveries_done()
    waiting = await figures(town)
    await town.settle()
    await town.settle()  # our own write of the profile comes back
    after = await figures(town)

    def grown(name):
        return after[name] - before.get(name, 0.0)

    assert waiting['perennial_stores_waiting{work="inbox"}'] == 1.0
    assert after['perennial_stores_waiting{work="inbox"}'] == 0.0
    assert grown('perennial_deliveries_total{outcome="kept"}') >= 3
    assert grown('perennial_deliveries_read_total{outcome="read"}') >= 3
    assert grown('perennial_records_stored_total{kind="order"}') == 1
    assert grown("perennial_accounts_settled_total") == 1
    assert grown('perennial_pushes_total{kind="profile",outcome="agreed"}') == 1
    assert grown('perennial_store_calls_total{status="2xx"}') >= 1


async def test_no_figure_names_a_store_or_a_person(town):
    await town.connect()
    town.order(town.product(), 3, town.shopper())
    await town.settle()
    text = (await town.http.get(f"{SERVICE}/metrics")).text
    for name in (town.store, "maya", "example.test"):
        assert name not in text
