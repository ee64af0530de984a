"""Webhooks: subscribed once, mended when the platform gave up, and gone without a trace."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from platforms.conformance.check import Terms, expect, expect_equal, refuses
from platforms.conformance.ground import SECRET, Ground, ids_of
from platforms.errors import SignatureInvalid

HOOKS = Terms(read="StoreClient.subscribe, subscriptions and unsubscribe in platforms/protocol.py")
LIVE = Terms(read=HOOKS.read, needs="store")
OURS = "https://conformance.invalid/webhooks/ours"
OTHERS = "https://conformance.invalid/webhooks/somebody-elses"
FAILURES = 12
Act = Callable[[], Awaitable[object]]


async def _subscribed(on: Ground, url: str) -> None:
    on.undo(lambda: on.client.unsubscribe(url))
    await on.client.subscribe(url, SECRET)


@LIVE.check("webhooks.none", "a new address has no subscription")
async def none(on: Ground) -> None:
    expect_equal(list(await on.client.subscriptions(OURS)), [], "the subscriptions")


@LIVE.check("webhooks.active", "subscriptions are active, at our address, a topic each")
async def active(on: Ground) -> None:
    await _subscribed(on, OURS)
    there = await on.client.subscriptions(OURS)
    expect(there, "there are none")
    expect_equal({one.status for one in there}, {"active"}, "their status")
    expect_equal({one.url for one in there}, {OURS}, "their address")
    expect_equal(sorted(one.topic for one in there), sorted(on.platform.topics), "their topics")


@LIVE.check("webhooks.twice", "subscribing twice is subscribing once")
async def twice(on: Ground) -> None:
    await _subscribed(on, OURS)
    once = await on.client.subscriptions(OURS)
    await on.client.subscribe(OURS, SECRET)
    again = await on.client.subscriptions(OURS)
    topics = [sorted(one.topic for one in there) for there in (once, again)]
    expect_equal(topics[1], topics[0], "the topics")


@LIVE.check("webhooks.unsubscribed", "unsubscribing leaves nothing")
async def unsubscribed(on: Ground) -> None:
    await _subscribed(on, OURS)
    await on.client.unsubscribe(OURS)
    expect_equal(list(await on.client.subscriptions(OURS)), [], "the subscriptions")


@LIVE.check("webhooks.unsubscribed-twice", "unsubscribing where there is nothing is done")
async def unsubscribed_twice(on: Ground) -> None:
    await on.client.unsubscribe(OURS)
    await on.client.unsubscribe(OURS)


@LIVE.check("webhooks.others-stay", "somebody else's subscriptions are left alone")
async def others_stay(on: Ground) -> None:
    await _subscribed(on, OTHERS)
    there = await on.client.subscriptions(OTHERS)
    await _subscribed(on, OURS)
    await on.client.unsubscribe(OURS)
    expect_equal(list(await on.client.subscriptions(OTHERS)), list(there), "the others'")


@LIVE.check("webhooks.others-hidden", "somebody else's subscriptions are not counted as ours")
async def others_hidden(on: Ground) -> None:
    await _subscribed(on, OTHERS)
    expect_equal(list(await on.client.subscriptions(OURS)), [], "ours")


@HOOKS.check("webhooks.delivered", "what happens is delivered to our address and verifies")
async def delivered(on: Ground) -> None:
    await on.listen()
    order = await on.buy()
    expect(order in ids_of(await on.told()), "the order was not told")


@HOOKS.check("webhooks.edits-delivered", "edits, refunds, the trash and coming back are told")
async def edits_delivered(on: Ground) -> None:
    order = await on.buy(2, "12.00")
    await on.listen()
    acts: dict[str, Act] = {
        "an edit": lambda: on.stage.edit(order, "another word"),
        "a refund": lambda: on.stage.refund(order, "1.00", {}),
        "the trash": lambda: on.stage.trash("order", order),
        "coming back": lambda: on.stage.restore(order),
        "the cancelling": lambda: on.stage.cancel(order),
    }
    if "trash" in on.platform.capabilities.lacks:
        del acts["the trash"], acts["coming back"]
    for what, act in acts.items():
        on.stage.forward(1)
        await act()
        expect(order in ids_of(await on.told()), f"{what} was not told")


@HOOKS.check("webhooks.silent", "after unsubscribing nothing is delivered")
async def silent(on: Ground) -> None:
    await on.listen()
    await on.buy()
    await on.client.unsubscribe(on.stage.hook_url)
    await on.stage.deliveries()
    await on.buy()
    expect_equal(list(await on.arrived()), [], "the deliveries")


@replace(HOOKS, rests_on="own_secret").check(
    "webhooks.new-secret", "subscribing again with another secret signs with that one"
)
async def new_secret(on: Ground) -> None:
    await on.listen()
    await on.listen("another secret")
    await on.buy()
    came = await on.arrived("another secret")
    expect(came, "nothing was delivered")
    with refuses(SignatureInvalid, "verifying with the secret from before"):
        on.platform.verify(came[0], SECRET)


async def _given_up(on: Ground) -> bool:
    """Refuse deliveries until the platform gives up; return whether it did: dropped or disabled."""
    await on.listen()
    order = await on.buy(pays="never")
    on.stage.refuse_deliveries(refuse=True)
    for number in range(FAILURES):
        await on.stage.edit(order, f"word {number}")
        await on.stage.deliveries()
        on.stage.forward(60)
    on.stage.refuse_deliveries(refuse=False)
    there = await on.client.subscriptions(on.stage.hook_url)
    active = [one.topic for one in there if one.status == "active"]
    return sorted(active) != sorted(on.platform.topics)


@HOOKS.check("webhooks.given-up", "a subscription that no longer delivers does not read as active")
async def given_up(on: Ground) -> None:
    if await _given_up(on):
        return
    order = await on.buy()
    expect(order in ids_of(await on.told()), "all read as active, and nothing is delivered")


@HOOKS.check("webhooks.mended", "subscribing again mends what the platform gave up")
async def mended(on: Ground) -> None:
    await _given_up(on)
    await on.listen()
    there = await on.client.subscriptions(on.stage.hook_url)
    expect_equal({one.status for one in there}, {"active"}, "the status")
    order = await on.buy()
    expect(order in ids_of(await on.told()), "the next order was not told")


@HOOKS.check("webhooks.mended-for-good", "what was mended bears the next single failure")
async def mended_for_good(on: Ground) -> None:
    await _given_up(on)
    await on.listen()
    on.stage.refuse_deliveries(refuse=True)
    await on.buy()
    await on.stage.deliveries()
    on.stage.refuse_deliveries(refuse=False)
    there = await on.client.subscriptions(on.stage.hook_url)
    expect_equal({one.status for one in there}, {"active"}, "the status after one failure")
