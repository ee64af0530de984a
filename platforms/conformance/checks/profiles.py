"""What we keep on a customer and an order: written twice it is there once."""

from dataclasses import replace

from platforms.conformance.check import Terms, expect, expect_equal, refuses
from platforms.conformance.checks.fetching import ABSENT
from platforms.conformance.ground import Ground
from platforms.errors import Rejected, Unsupported
from platforms.model import Profile

PROFILE = Terms(
    read="StoreClient.write_profile and read_profile in platforms/protocol.py", rests_on="profiles"
)
NOTE = Terms(
    read="StoreClient.write_note and read_notes in platforms/protocol.py", rests_on="order_notes"
)
PROFILES = {
    "points": Profile(points=1250),
    "points-and-tier": Profile(points=1250, tier="gold"),
    "no-points": Profile(points=0, tier="gold"),
    "points-owed": Profile(points=-40),
    "a-tier-in-other-letters": Profile(points=1, tier='Z\u0142oty & "\u91d1" <b>'),
}


@PROFILE.each("profiles.{}", "a profile of {} reads back as it was written", PROFILES)
async def written(on: Ground, profile: Profile) -> None:
    ada = await on.stage.add_customer("ada@example.test")
    await on.client.write_profile(ada, profile)
    expect_equal(await on.client.read_profile(ada), profile, "the profile")


@PROFILE.check("profiles.none", "a customer without a profile has none")
async def none(on: Ground) -> None:
    ada = await on.stage.add_customer("ada@example.test")
    expect_equal(await on.client.read_profile(ada), None, "the profile")


@PROFILE.check("profiles.twice", "the profile written last is the one that is there")
async def twice(on: Ground) -> None:
    ada = await on.stage.add_customer("ada@example.test")
    for profile in (Profile(points=5, tier="gold"), Profile(points=7), Profile(points=7)):
        await on.client.write_profile(ada, profile)
        expect_equal(await on.client.read_profile(ada), profile, "the profile")


@PROFILE.check("profiles.own", "a profile is its customer's alone, and changes nothing else")
async def own(on: Ground) -> None:
    ada = await on.stage.add_customer("ada@example.test")
    bob = await on.stage.add_customer("bob@example.test")
    before = await on.fetched("customer", ada)
    await on.client.write_profile(ada, Profile(points=5))
    expect_equal(await on.client.read_profile(bob), None, "the other's profile")
    after = await on.fetched("customer", ada)
    expect(before is not None and after is not None, "the customer is gone")
    if before is not None and after is not None:
        expect_equal(replace(after, updated_at=before.updated_at), before, "the customer")


@PROFILE.check("profiles.unknown", "a customer who is not there is Rejected")
async def unknown(on: Ground) -> None:
    with refuses(Rejected, "writing the profile of nobody"):
        await on.client.write_profile(ABSENT, Profile(points=5))


@replace(PROFILE, rests_on="").check(
    "profiles.unsupported", "where there are none, they are Unsupported"
)
async def unsupported(on: Ground) -> None:
    if not on.platform.capabilities.profiles:
        ada = await on.stage.add_customer("ada@example.test")
        with refuses(Unsupported, "writing a profile"):
            await on.client.write_profile(ada, Profile(points=5))


NOTES = {
    "words": "Earned 120 points.",
    "other-letters": 'Zdoby\u0142a 120 punkt\u00f3w & "\u91d1"',
    "two-lines": "Earned 120 points.\nThey can be spent from Monday on.",
}


@NOTE.each("notes.{}", "a note of {} is there as it was written", NOTES)
async def noted(on: Ground, text: str) -> None:
    order = await on.buy()
    await on.client.write_note(order, text)
    expect(text in await on.client.read_notes(order), "it is not there")


@NOTE.check("notes.twice", "the same note twice is there once")
async def noted_twice(on: Ground) -> None:
    order = await on.buy()
    await on.client.write_note(order, "Earned 120 points.")
    await on.client.write_note(order, "Earned 120 points.")
    notes = list(await on.client.read_notes(order))
    expect_equal(notes.count("Earned 120 points."), 1, "how often it is there")


@NOTE.check("notes.two", "another note stands beside the first")
async def two(on: Ground) -> None:
    order = await on.buy()
    await on.client.write_note(order, "Earned 120 points.")
    await on.client.write_note(order, "Lost 20 points.")
    notes = await on.client.read_notes(order)
    expect({"Earned 120 points.", "Lost 20 points."} <= set(notes), f"there are {notes!r}")


@NOTE.check("notes.own", "a note is its order's alone")
async def noted_own(on: Ground) -> None:
    order, other = await on.buy(), await on.buy()
    await on.client.write_note(order, "Earned 120 points.")
    expect("Earned 120 points." not in await on.client.read_notes(other), "the other has it too")


@NOTE.check("notes.unknown", "an order that is not there is Rejected")
async def noted_unknown(on: Ground) -> None:
    with refuses(Rejected, "leaving a note on nothing"):
        await on.client.write_note(ABSENT, "Earned 120 points.")


@replace(NOTE, rests_on="").check("notes.unsupported", "where there are none, they are Unsupported")
async def noted_unsupported(on: Ground) -> None:
    if not on.platform.capabilities.order_notes:
        with refuses(Unsupported, "leaving a note"):
            await on.client.write_note(await on.buy(), "Earned 120 points.")
