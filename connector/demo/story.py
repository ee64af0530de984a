"""The whole story, over HTTP and the command line alone: what ``demo --check`` proves.

The store, the web process and the worker run as they would in earnest, each in a process of its
own; nothing of ours is imported but what speaks HTTP.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from connector.demo.shopper import Merchant, Shopper, StoryBroken, expect

WAIT_S = 20.0
LOOK_S = 0.1
HTTP = httpx.Client(timeout=WAIT_S, trust_env=False)
COFFEE, EURO = "house-blend", 980  # 9.80 a bag, 5 points for each whole euro of the goods
T = TypeVar("T")


@dataclass(slots=True)
class Stage:
    """The processes of the story, and what everybody in it knows."""

    folder: Path
    platform: str
    port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def service(self) -> str:
        """The address of our web process."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def shop(self) -> str:
        """The address of the store."""
        return f"http://127.0.0.1:{self.port + 1}"

    def start(self, name: str, *words: str, env: Mapping[str, str]) -> None:
        """Start one of our commands; what it says goes to a file."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "connector.cli", *words],
                env={**env},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def kill(self, name: str) -> None:
        """End a process without a chance to tidy up."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def command(self, *words: str, env: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        """Run one of our commands and return its JSON."""
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "connector.cli", *words, "--json"],
            env={**env},
            capture_output=True,
            check=False,
        )
        expect(done.stdout, f"perennial {' '.join(words)}: {done.stderr.decode()[-500:]}")
        return json.loads(done.stdout)


def until(holds: Callable[[], T | None], what: str) -> T:
    """Look until something holds; return it.

    Raises:
        StoryBroken: it doesn't, in ``WAIT_S``.
    """
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = holds()
        if found is not None and found is not False:
            return found
        time.sleep(LOOK_S)
    raise StoryBroken(f"{what}: not within {WAIT_S:.0f} s")


def check(folder: Path, platform: str, port: int, program: str, *, has_codes: bool) -> int:
    """Tell the story; return 0 if all of it holds, else 1.

    ``program`` is the document that is published. ``has_codes``: the platform takes discounts.
    """
    (folder / "program.toml").write_text(program, encoding="utf-8")
    stage = Stage(folder=folder, platform=platform, port=port)
    began = time.monotonic()
    try:
        with _ended(stage):
            story = Story(stage, has_codes=has_codes)
            for name, figures in story.lines():
                sys.stdout.write(f"ok  {name:<14}{figures}\n")
                sys.stdout.flush()
            if story.left_out:
                names = ", ".join(one.__name__ for one in story.left_out)
                sys.stdout.write(f"left out  {names}: the platform can't make discount codes\n")
    except (StoryBroken, httpx.HTTPError) as error:
        sys.stdout.write(f"FAILED  {error}\n        logs are in {folder}\n")
        return 1
    sys.stdout.write(f"all of it in {time.monotonic() - began:.0f} s\n")
    return 0


@contextmanager
def _ended(stage: Stage) -> Iterator[None]:
    """End, by their ids, the processes that the story started."""
    try:
        yield
    finally:
        for process in stage.running.values():
            process.terminate()
        for process in stage.running.values():
            process.wait(timeout=WAIT_S)


class Story:
    """One chapter after the other; each returns its figures."""

    def __init__(self, stage: Stage, *, has_codes: bool) -> None:
        self.stage = stage
        self.has_codes = has_codes
        self.left_out = () if has_codes else (self.redeem, self.checkout)
        self.env = {
            **_inherited(),
            "PERENNIAL_DATABASE_URL": f"sqlite://{stage.folder / 'perennial.db'}",
            "PERENNIAL_SECRET_KEY": secrets.token_hex(32),
            "PERENNIAL_PUBLIC_URL": stage.service,
            "PERENNIAL_ALLOW_LOOPBACK": "1",
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield each chapter's name and figures as it comes true."""
        self._start()
        chapters = (
            self.connect, self.subscribe, self.backfill, self.earn, self.widget_state,
            self.redeem, self.checkout, self.refund, self.cancel, self.duplicate,
            self.out_of_order, self.forged, self.restart,
        )  # fmt: skip
        for chapter in (one for one in chapters if one not in self.left_out):
            yield chapter.__name__.replace("_", "-"), chapter()

    def _start(self) -> None:
        stage, port = self.stage, self.stage.port
        stage.start("sandbox", "sandbox", stage.platform, "--port", str(port + 1), env=self.env)
        stage.command("migrate", env=self.env)
        self._serve()
        until(lambda: _answers(f"{stage.shop}/"), "the store answers")

    def _serve(self) -> None:
        stage = self.stage
        stage.start("serve", "serve", "--port", str(stage.port), env=self.env)
        stage.start("worker", "worker", env=self.env)
        until(lambda: _answers(f"{stage.service}/ready"), "the service is ready")

    def _counts(self) -> dict[str, int]:
        return dict(self.stage.command("doctor", self.store, env=self.env)["counts"])

    def connect(self) -> str:
        """The merchant approves on the store's own page, or pastes what opens it."""
        self.merchant = Merchant(self.stage.shop)
        if access := self.merchant.access():
            return self._paste(access)
        self.store = self.merchant.connect(self.stage.service)
        return f"wc-auth approved, keys proved, plugin paired as store {self.store}"

    def _paste(self, access: Mapping[str, str]) -> str:
        flags = [word for name in access for word in (_flag(name), access[name])]
        told = self.stage.command("connect", self.stage.platform, *flags, env=self.env)
        expect("store" in told, f"connecting: {told}")
        self.store = self.merchant.connect(self.stage.service, told["store"])
        return f"by {', '.join(map(_flag, access))}, and shown on the storefront as {self.store}"

    def subscribe(self) -> str:
        """The store delivers to us, signed with our secret."""
        topics = self.merchant.topics()
        expect(len(topics) >= 10, f"only {topics} are subscribed")
        return f"{len(topics)} topics"

    def backfill(self) -> str:
        """Everything that was there before is here, and has earned."""
        program = ("program", self.store, "--publish", str(self.stage.folder / "program.toml"))
        self.stage.command(*program, env=self.env)
        self.stage.command("sync", self.store, env=self.env)
        counts = self._counts()
        expect(counts["points"] > 0, f"no points after the backfill: {counts}")
        return (
            f"{counts['customers']} customers, {counts['orders']} orders, {counts['points']} points"
        )

    def earn(self) -> str:
        """A checkout becomes points, by itself."""
        self.shopper = Shopper(self.stage.shop)
        self.before = self.shopper.state()["visitor"]["available"]
        began = time.monotonic()
        self.shopper.buy(COFFEE, 12)
        self.earned = 12 * EURO * 5 // 100
        self._balance_is(self.before + self.earned)
        took = time.monotonic() - began
        return f"{self.earned} points for 12 x 9.80 EUR, {took:.1f} s after the checkout"

    def _balance_is(self, points: int) -> None:
        def holds() -> bool:
            return bool(self.shopper.state()["visitor"]["available"] == points)

        until(holds, f"the balance becomes {points}")

    def widget_state(self) -> str:
        """The widgets know the shopper, and only by a good token."""
        state = self.shopper.state()
        bad = HTTP.get(
            f"{self.stage.service}/storefront/v1/state",
            params={"store": self.store},
            headers={"Authorization": "Bearer x.y.z"},
        )
        expect(bad.status_code == 401, f"a bad token was answered {bad.status_code}")
        who = state["visitor"]
        rewards = len(state["program"]["rewards"])
        aim = who["standing"]["reach"]
        far = f"{aim['counted'] / 100:.2f} of {aim['needed'] / 100:.2f} EUR to {aim['tier']}"
        return (
            f"{who['first_name']} has {who['available']} points, {rewards} rewards, and {far};"
            " a bad token is 401"
        )

    def redeem(self) -> str:
        """Points become a code, once for one key."""
        self.before = self.shopper.state()["visitor"]["available"]
        key = secrets.token_hex(8)
        began = time.monotonic()
        for _ in range(2):
            answer = self.shopper.redeem("5-off", key)
            expect(answer.status_code == 201, f"redeeming: {answer.status_code} {answer.text}")
        self.code = until(self._issued, "the code is issued")
        took = time.monotonic() - began
        left = self.shopper.state()["visitor"]["available"]
        expect(left == self.before - 500, f"{self.before} became {left}, asked twice with one key")
        return f"500 points became a code in {took:.1f} s; asked twice with one key, spent once"

    def _issued(self) -> str | None:
        newest = self.shopper.state()["visitor"]["redemptions"][0]
        return newest["code"] if newest["state"] == "issued" else None

    def checkout(self) -> str:
        """The code takes money off."""
        self.before = self.shopper.state()["visitor"]["available"]
        self.order, total, paid = self.shopper.buy_with(self.code, COFFEE, 20)
        self._balance_is(self.before + (20 * EURO - 500) * 5 // 100)
        newest = self.shopper.state()["visitor"]["redemptions"][0]
        expect(newest["state"] == "used", f"the redemption is {newest['state']}")
        return f"{total} before the coupon, {paid} after"

    def refund(self) -> str:
        """Refunds take their points back, also where these are spent already."""
        if not self.has_codes:
            return self._refund_unspent()
        before = self.shopper.state()["visitor"]["available"]
        self.merchant.act(self.order, "refund", amount="10.00")
        after = until(lambda: self._moved_from(before), "a partial refund takes points")
        while self.shopper.state()["visitor"]["available"] >= 500:
            expect(self.shopper.redeem("5-off").status_code == 201, "spending the points")
        poor = self.shopper.state()["visitor"]["available"]
        refused = self.shopper.redeem("5-off")
        expect(refused.json().get("code") == "insufficient-points", refused.text)
        self.merchant.act(self.order, "refund", full="1")
        least = until(lambda: self._moved_from(poor), "a full refund takes points")
        expect(least < 0, f"points that were spent are owed, but the balance is {least}")
        return f"10.00 EUR took {before - after} back; all of it, once spent: {poor} became {least}"

    def _refund_unspent(self) -> str:
        before = self.shopper.state()["visitor"]["available"]
        order = self.shopper.buy(COFFEE, 20)
        earned = 20 * EURO * 5 // 100
        self._balance_is(before + earned)
        self.merchant.act(order, "refund", amount="10.00")
        self._balance_is(before + earned - 50)
        self.merchant.act(order, "refund", full="1")
        self._balance_is(before)
        return f"10.00 EUR of 196.00 took 50 of {earned} back; all of it took the rest"

    def _moved_from(self, points: int) -> int | None:
        now = int(self.shopper.state()["visitor"]["available"])
        return now if now != points else None

    def cancel(self) -> str:
        """A cancelled order earns nothing."""
        before = self.shopper.state()["visitor"]["available"]
        order = self.shopper.buy(COFFEE, 2)
        earned = 2 * EURO * 5 // 100
        self._balance_is(before + earned)
        self.merchant.act(order, "cancel")
        self._balance_is(before)
        self.cancelled = order
        return f"{earned} points came and went"

    def duplicate(self) -> str:
        """The same delivery again changes nothing."""
        rows = [row for row in self.merchant.deliveries() if self._is_order(row)]
        entries = self._counts()["entries"]
        for row in rows:
            status = HTTP.post(row["url"], content=row["body"], headers=row["headers"]).status_code
            expect(status == 200, f"a repeated delivery was answered {status}")
        self._quiet()
        now = self._counts()["entries"]
        expect(now == entries, f"{len(rows)} repeated deliveries made {now - entries} entries")
        return f"{len(rows)} deliveries again, 0 entries more"

    @staticmethod
    def _is_order(row: Mapping[str, Any]) -> bool:
        return b'"line_items"' in row["body"]

    def _quiet(self) -> None:
        until(lambda: self._lag_s() == 0, "the inbox is read")

    def _lag_s(self) -> float:
        return float(HTTP.get(f"{self.stage.service}/ready").json()["inbox_lag_s"])

    def out_of_order(self) -> str:
        """Old deliveries after new ones change nothing."""
        before = self.shopper.state()["visitor"]["available"]
        rows = [row for row in self.merchant.deliveries() if self._is_order(row)]
        for number, row in enumerate(reversed(rows)):
            headers = {**row["headers"], self.merchant.map["numbered_by"]: f"late-{number}"}
            HTTP.post(row["url"], content=row["body"], headers=headers)
        self._quiet()
        after = self.shopper.state()["visitor"]["available"]
        expect(after == before, f"{before} became {after}")
        return f"{len(rows)} deliveries, oldest last: the balance stayed {after}"

    def forged(self) -> str:
        """What the store did not sign is refused."""
        row = next(row for row in self.merchant.deliveries() if self._is_order(row))
        forged = row["body"].replace(b"cancelled", b"completed") + b" "
        status = HTTP.post(row["url"], content=forged, headers=row["headers"]).status_code
        expect(status == 401, f"a forged delivery was answered {status}")
        return "a changed body is answered 401"

    def restart(self) -> str:
        """Killed and started again, nothing is lost or doubled."""
        before = self.shopper.state()["visitor"]["available"]
        self.stage.kill("worker")
        order = self.shopper.buy(COFFEE, 3)
        until(lambda: self._is_kept(int(order)), "the delivery is acknowledged")
        self.stage.kill("serve")
        self._serve()
        earned = 3 * EURO * 5 // 100
        self._balance_is(before + earned)
        again = self.stage.command("sync", self.store, env=self.env)
        expect(again["changed"] == 0, f"a sync then changed {again['changed']}")
        self._balance_is(before + earned)
        return f"{earned} points came after kill -9 of both; a sync then changed 0"

    def _is_kept(self, order: int) -> bool:
        """Return whether we acknowledged a delivery of this order: what we did not may be lost."""
        rows = (row for row in self.merchant.deliveries() if self._is_order(row))
        return any(row["status"] == 200 and json.loads(row["body"])["id"] == order for row in rows)


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _answers(url: str) -> bool:
    try:
        return HTTP.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _inherited() -> dict[str, str]:
    """Return the environment for our commands, without settings of the caller's own."""
    return {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - handed on to child processes
        if not name.startswith("PERENNIAL_")
    }
