"""Plants one bug at a time and shows that the tests turn red: ``laws`` (the fold), ``platforms``,
``shopify``.

Each bug is a text that is replaced in a copy of the sources. Prints a line a bug, and how many of
them were found.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

RULES = "connector/features/loyalty/rules"
LOYALTY = "tests/connector/features/loyalty"
LAWS = f"{LOYALTY}/test_laws.py"
KERNEL = "connector/kernel/admission.py"
RULE_TESTS = (
    f"{LOYALTY}/test_worked_examples.py",
    f"{LOYALTY}/test_fold.py",
    f"{LOYALTY}/test_waiting.py",
    f"{LOYALTY}/test_acts.py",
    f"{LOYALTY}/test_program.py",
    f"{LOYALTY}/test_entries.py",
    f"{LOYALTY}/test_placements.py",
    f"{LOYALTY}/test_joined_laws.py",
    f"{LOYALTY}/test_moving_laws.py",
    LAWS,
    "tests/connector/kernel/test_admission.py",
    f"{LOYALTY}/test_budget_laws.py",
)
BUGS = (
    ("refund lines don't come off the goods", f"{RULES}/earn.py",
     "goods -= _sum(_parts_back(refund, basis), basis.weights)", "goods -= 0"),
    ("unexplained money comes off flat", f"{RULES}/earn.py",
     "goods * share", "goods - unexplained"),
    ("what is explained stays in the order's total", f"{RULES}/earn.py",
     "left -= explained", "left -= 0"),
    ("points are rounded to the nearest", f"{RULES}/earn.py",
     "return min(points // of, MOST)", "return min(round(Fraction(points, of)), MOST)"),
    ("a refund takes back more than was granted", f"{RULES}/pricing.py",
     "now - before, why", "now - before - 1, why"),
    ("today's program prices old orders", f"{RULES}/pricing.py",
     "version = in_force(facts.versions, order.placed_at)\n    if version is None or not counts",
     "version = facts.versions[-1] if facts.versions else None\n"
     "    if version is None or not counts"),
    ("unpaid orders earn", f"{RULES}/earn.py",
     "else order.is_paid", "else not order.is_cancelled"),
    ("expiry is posted before it is due", f"{RULES}/walk.py",
     "self.ahead[0].at <= at:", "self.ahead[0].at <= at + timedelta(days=1):"),
    ("an expired lot keeps its points", f"{RULES}/lots.py",
     "left, lot.points = lot.points, 0", "left = lot.points"),
    ("goods are rounded before their points", f"{RULES}/earn.py",
     "points, of = kept.numerator * rule.points, kept.denominator * step",
     "points, of = int(kept) * rule.points, step"),
    ("refunds are held against the order one by one", f"{RULES}/earn.py",
     "unexplained += refund.amount_minor - explained",
     "unexplained += max(refund.amount_minor - explained, 0)"),
    ("a refund takes what a later one explains", f"{RULES}/earn.py",
     "[*accumulate(reversed(kept), max)][::-1]", "[*accumulate(kept, min)]"),
    ("a birthday is paid for as soon as it is told", f"{RULES}/acts.py",
     "KNOWN_FOR = timedelta(days=30)", "KNOWN_FOR = timedelta(days=0)"),
    ("who changes their birthday has two in a year", f"{RULES}/acts.py",
     "APART = timedelta(days=300)", "APART = timedelta(days=30)"),
    ("consent is paid for each time", f"{RULES}/acts.py",
     'case "newsletter":\n                return False',
     'case "newsletter":\n                return True'),
    ("a cooldown is over at once", f"{RULES}/acts.py",
     "add_days(last, rule.cooldown_days,", "add_days(last, 0,"),
    ("a checkpoint forgets what was paid for", f"{RULES}/acts.py",
     "paid=self._paid, birthday", "paid={}, birthday"),
    ("a checkpoint forgets what caps know of acts", f"{RULES}/acts.py",
     "given=self._given.kept(at), paid", "given={}, paid"),
    ("a checkpoint forgets a birthday", f"{RULES}/acts.py",
     "birthday=self._birthday)", "birthday=None)"),
    ("nobody is due at a birthday", f"{RULES}/fold.py",
     "ahead.append(begun.past.acts.next_at)", "pass"),
    ("a re-rate leaves what was published since", f"{RULES}/program.py",
     "if one.begins_at < begins_at]", "if True]"),
    ("excluded goods earn", f"{RULES}/earn.py",
     "dict.fromkeys(out, 0)", "dict.fromkeys(out, 1)"),
    ("a factor of one product is for all", f"{RULES}/program.py",
     "if self.product is not None and self.product != product:", "if False:"),
    ("a checkpoint drops what was granted before the year", f"{RULES}/caps.py",
     "if first else []", "if first < 0 else []"),
    ("a checkpoint drops the week before the year", f"{RULES}/caps.py",
     "timedelta(days=8)", "timedelta(days=0)"),
    ("a multiplier holds at its end", f"{RULES}/program.py",
     "at < ends_at)", "at <= ends_at)"),
    ("refunds make room in a cap", f"{RULES}/pricing.py",
     "past.add(rule, order.placed_at, earned.points, waiting)",
     "past.add(rule, order.placed_at, earned.points - len(order.refunds), waiting)"),
    ("a capped order is refunded from its whole worth", f"{RULES}/pricing.py",
     "taken, waiting = _taken(order, rule, goods, earned), 0",
     "taken, waiting = _taken(order, rule, goods, earned._replace(points=value)), 0"),
    ("a cap's week begins on Sunday", "connector/kernel/clock.py",
     "timedelta(days=local.weekday())", "timedelta(days=(local.weekday() + 1) % 7)"),
    ("caps count by days of UTC", "connector/kernel/clock.py",
     "local = local.replace(hour=0", "local = at.astimezone(UTC).replace(hour=0"),
    ("a checkpoint forgets what caps count", f"{RULES}/pricing.py",
     "given = hoped = Given(facts.versions, since.given if since else {})",
     "given = hoped = Given(facts.versions, {})"),
    ("a cap forgets what another version granted", f"{RULES}/caps.py",
     "if rule.id in self._capped:", "if rule.caps:"),
    ("what was owed before is forgiven too", f"{RULES}/walk.py",
     "self._forgive(step, self.purse.deficit - before)",
     "self._forgive(step, self.purse.deficit)"),
    ("a checkpoint forgets what is owed", f"{RULES}/walk.py",
     "self.purse.deficit = since.deficit", "self.purse.deficit = 0"),
    ("a checkpoint forgets what is yet to happen", f"{RULES}/walk.py",
     "self.ahead += since.ahead", "self.ahead += ()"),
    ("a shortfall is forgiven", f"{RULES}/lots.py",
     "        self.deficit += points\n", ""),
    ("maturing points don't pay the deficit", f"{RULES}/lots.py",
     "self.deficit -= paid", "self.deficit -= 0"),
    ("points on their way can be spent", f"{RULES}/lots.py",
     "if lot.is_open and lot.cause != first", "if lot.cause != first"),
    ("older snapshots overwrite newer ones", "connector/commerce/snapshots.py",
     "seen.updated_at < held.updated_at:\n        return Verdict.NOTHING",
     "seen.updated_at < held.updated_at:\n        return Verdict.STORE"),
    ("corrections are posted whole, not as differences", "connector/kernel/posting.py",
     "now - was, said", "now, said"),
    ("a factor of one tier is for all", f"{RULES}/program.py",
     "if self.tier is not None and self.tier != tier:", "if False:"),
    ("a tier counts for the order that reaches it", f"{RULES}/pricing.py",
     """    past.standing.add(order, rules[0] if rules else None, first)
""", """    past.standing.add(order, rules[0] if rules else None, first)
    met = Met(version, past.standing.tier_at(order.placed_at), past, stamp, facts.explains)
"""),
    ("excluded goods count for tiers", f"{RULES}/pricing.py",
     "first = goods_of(order, rules[0] if rules else None, stamp)",
     "first = goods_of(order, None, stamp)"),
    ("goods of excluded collections count", f"{RULES}/pricing.py",
     "first = goods_of(order, rules[0] if rules else None, stamp)",
     "first = goods_of(order, rules[0] if rules else None)"),
    ("collections exclude nothing", f"{RULES}/program.py",
     "bool(self.collections) and not", "False and not"),
    ("a factor of one collection is for all", f"{RULES}/program.py",
     "self.collection is None or self.collection in collections", "True"),
    ("a factor of one segment is for all", f"{RULES}/program.py",
     "self.segment is None or self.segment in segments", "True"),
    ("what is stamped is stamped again", f"{RULES}/stamps.py",
     "{**collections, **self.collections}", "{**self.collections, **collections}"),
    ("points don't wait for a delivery", f"{RULES}/pricing.py",
     "        return AWAITED[until]\n", "        return begun\n"),
    ("what was delivered before it was paid comes before it", f"{RULES}/pricing.py",
     "add_days(max(begun, happened_at), days, zone)", "add_days(happened_at, days, zone)"),
    ("what waits elsewhere never comes here", f"{RULES}/decided.py",
     "if order else AWAITED[awaits.until]", "if False else AWAITED[awaits.until]"),
    ("refunds leave what counts for tiers", f"{RULES}/qualifying.py",
     "for left in goods.lefts:", "for left in ():"),
    ("a tier goes without grace", f"{RULES}/tiers.py",
     "add_days(at, self._tiers.grace_days,", "add_days(at, 0,"),
    ("what is regained in the grace goes all the same", f"{RULES}/tiers.py",
     "state.lapses_at = state.judged_at = None\n        elif",
     "state.judged_at = None\n        elif"),
    ("a year is not judged", f"{RULES}/tiers.py",
     "is_judged = is_year and not state.is_locked and state.judged_at != at", "is_judged = False"),
    ("what a year brought is forgotten", f"{RULES}/tiers.py",
     "self._begin_grace(at, self._name(brought))", "self._begin_grace(at)"),
    ("an order counts a month longer", f"{RULES}/tiers.py",
     "add_months(at, self._tiers.months,", "add_months(at, self._tiers.months + 1,"),
    ("all falls are whole", f"{RULES}/tiers.py",
     'tiers.downgrade_step == "one"', 'tiers.downgrade_step == "two"'),
    ("who fell one step is judged at once", f"{RULES}/tiers.py",
     "elif tiers.months and state.judged_at is None:", "elif tiers.months:"),
    ("refunds of what has left lower the rest", f"{RULES}/tiers.py",
     "if step.leaves_at > step.at:", "if step.leaves_at:"),
    ("a new version forgets who was in a tier", f"{RULES}/tiers.py",
     "if self._state.tier and (tiers is None or self._state.tier not in tiers.names):",
     "if self._state.tier:"),
    ("new windows begin empty", f"{RULES}/tiers.py",
     "for one in self._seen:", "for one in self._seen[:0]:"),
    ("a checkpoint forgets what leaves later", f"{RULES}/tiers.py",
     "ahead=tuple(step for step in self._ahead if step.turn is not Turn.VERSION)", "ahead=()"),
    ("a checkpoint forgets what new windows will count", f"{RULES}/tiers.py",
     "tuple(self._seen) if is_needed else ()", "()"),
    ("future orders are in today's tier", f"{RULES}/tiers.py",
     "if placed_at > self._asked_at and self._asked is None:", "if placed_at < self._asked_at:"),
    ("a dated cancel leaves the points", f"{RULES}/earn.py",
     'lefts if end is None else [*lefts, Left("cancel", end, 0)]', "lefts"),
    ("only the first rule earns", f"{RULES}/pricing.py",
     "enumerate(rules, start=1)", "enumerate(rules[:1], start=1)"),
    ("a checkpoint welcomes again", f"{RULES}/fold.py",
     "facts.signed_up_at if _is_before(facts.signed_up_at, at) else None", "None"),
    ("what a merchant took may not be owed", f"{RULES}/walk.py",
     "| Rank.DEBIT | Rank.OWED:", "| Rank.OWED:"),
    ("what never comes keeps points alive", f"{RULES}/walk.py",
     "step.rank is Rank.MATURITY and not self.purse.lots[step.cause].points", "False"),
    ("orders keep nothing alive", f"{RULES}/movements.py",
     "ALIVE = {Rank.ORDER, Rank.MATURITY,", "ALIVE = {Rank.MATURITY,"),
    ("a checkpoint forgets since when nothing happened", f"{RULES}/walk.py",
     "self.purse.ends |= since.ends", "self.purse.ends |= {}"),
    ("caps of a joined account stay apart", f"{RULES}/pricing.py",
     "        self.given.absorb(other.given)\n", ""),
    ("what a joined account bought counts for no tier", f"{RULES}/pricing.py",
     "        self.standing.absorb(other.standing, at)\n", ""),
    ("a joined account counts for the tier from when it bought", f"{RULES}/tiers.py",
     "step._replace(at=max(step.at, at))", "step._replace(at=step.at)"),
    ("a joined account's debt is forgotten", f"{RULES}/lots.py",
     "self.deficit + other.deficit, 0", "self.deficit, 0"),
    ("a joined account's lots never end", f"{RULES}/walk.py",
     "        for movement in other.ahead:\n", "        for movement in ():\n"),
    ("what ended before a joining is not posted", f"{RULES}/walk.py",
     "yield from other.until_before(step.at)",
     "yield from list(other.until_before(step.at))[:0]"),
    ("orders of before a joining are priced as if it had been", f"{RULES}/facts.py",
     "orders=[one for one in theirs.orders if one.placed_at < at],", "orders=[],"),
    ("a checkpoint forgets who joins after it", f"{RULES}/fold.py",
     "joined=[one for one in facts.joined if one.joined_at < at],", "joined=[],"),
    ("what is refunded serves who asked before", KERNEL,
     "while ahead and ahead[0].at <= at:", "while ahead:"),
    ("the last who asks gets all", KERNEL,
     "given = max(min(asked, room + there), 0)", "given = asked if room + there > 0 else 0"),
    ("who does not fit whole gets nothing", KERNEL,
     "given = max(min(asked, room + there), 0)", "given = asked if asked <= room + there else 0"),
    ("what was refused is asked for again", KERNEL,
     "demanded=one.demanded + demanded, admitted", "demanded=one.demanded + admitted, admitted"),
    ("room that was given back is given out twice", KERNEL,
     "found[of] = replace(found[of], ceded=found[of].ceded + points)", "pass"),
    ("who asks last is served first", KERNEL,
     "sorted(waiting, key=lambda number: found[number].claim.at)", "reversed(waiting)"),
    ("what was ceded comes back with the refund", f"{RULES}/pricing.py",
     "granted = admission.admitted if left <= admission.held else admission.held",
     "granted = admission.admitted"),
    ("what waits is granted", f"{RULES}/pricing.py",
     "earned = within(earned, granted)", "earned = within(earned, granted + admission.waiting)"),
    ("caps forget what waits", f"{RULES}/pricing.py",
     "self.hoped.add(rule, at, points + waiting)", "self.hoped.add(rule, at, points)"),
    ("refunds give nothing back", f"{RULES}/pricing.py",
     "    for one in taken:\n        left = found", "    for one in ():\n        left = found"),
    ("what earns nothing any more gives nothing back", f"{RULES}/budget.py",
     "if cause not in self._made:", "if cause is None:"),
    ("a redemption is void where points are lacking", f"{RULES}/fold.py",
     "for redemption in facts.redemptions:\n",
     "for redemption in facts.redemptions if sum(g.lot.points for g in grants) > 150 else ():\n"),
    ("what was owed is forgiven where one moves to", f"{RULES}/walk.py",
     " and step.rank is not Rank.OWED:", ":"),
    ("who moves leaves their debt behind", f"{RULES}/fold.py",
     "        owed=purse.deficit,\n", ""),
    ("what a refund will take moves along", f"{RULES}/fold.py",
     "points=lot.points - falls[lot.cause],", "points=lot.points,"),
    ("moving keeps idle points alive", f"{RULES}/movements.py",
     "CREDIT, Rank.REDEMPTION}", "CREDIT, Rank.REDEMPTION, Rank.BROUGHT}"),
    ("points on their way come by moving", f"{RULES}/walk.py",
     "if lot.available_at <= step.at:", "if lot:"),
    ("who moves loses a lock", f"{RULES}/tiers.py",
     "self._name(level), held.is_locked", "self._name(level), False"),
    ("who moves has no grace any more", f"{RULES}/tiers.py",
     "        if state.lapses_at:\n            heappush",
     "        if False:\n            heappush"),
    ("who moves is judged at once", f"{RULES}/tiers.py",
     "        state.judged_at = held.judged_at if level else None\n", ""),
    ("what left its window while one moved is forgotten", f"{RULES}/tiers.py",
     "if leaves_at > holding.at:", "if leaves_at > at:"),
    ("a checkpoint forgets what waits for tiers", f"{RULES}/tiers.py",
     "        self._brought |= kept.brought\n", ""),
    ("reaching a tier is paid for each time", f"{RULES}/tiers.py",
     "is_new = one.name not in self._entered", "is_new = True"),
    ("refunds leave what reaching a tier paid", f"{RULES}/tiers.py",
     "self._tiers.tier[: self._reached(KEPT)]", "self._tiers.tier[: self._reached()]"),
    ("what a version brings is paid for", f"{RULES}/tiers.py",
     "self._follow(step.at)\n                self._enter(step.at, is_paid=False)",
     "self._follow(step.at)\n                self._enter(step.at, is_paid=True)"),
    ("a checkpoint forgets which tiers were reached", f"{RULES}/tiers.py",
     "entered=tuple(sorted(self._entered)),", "entered=(),"),
    ("who joins brings no tier that was reached", f"{RULES}/tiers.py",
     "        self._entered |= other._entered_by(at)\n", ""),
    ("who moves reaches tiers anew", f"{RULES}/tiers.py",
     "        self._entered |= {*holding.entered}\n", ""),
    ("what was before the first publication is paid for", f"{RULES}/program.py",
     "return self.live_at is None or at >= self.live_at", "return True"),
    ("who became another's gives the budget back", f"{RULES}/budget.py",
     "if not facts.is_anothers:", "if True:"),
)  # fmt: skip

WOO = "platforms/woocommerce"
SUITE = "tests/platforms"
PLATFORM_BUGS = (
    ("any signature is right", f"{WOO}/adapter.py",
     "if not hmac.compare_digest(expected, given.encode()):", "if not expected:"),
    ("an offset goes along with dates_are_gmt", f"{WOO}/wire.py",
     "at.astimezone(UTC).replace(tzinfo=None).isoformat(", "at.astimezone(UTC).isoformat("),
    ("drafts are not left out", f"{WOO}/wire.py",
     'row.status == "checkout-draft"', 'row.status == "no-such-status"'),
    ("the e-mail restriction is not read back", f"{WOO}/store.py",
     """            if seen.discount != coupons.as_shown(kept):
                await self._delete(f"/coupons/{seen.id}")
""", "            return replace(seen, discount=kept)\n"),
    ("the header that counts is ignored", f"{WOO}/listing.py",
     'answer.headers.get("x-wp-total", "")', '""'),
    ("any code that is there is adopted", f"{WOO}/store.py",
     """                return TransientError(f"coupon {discount.code} was there and is gone")
""", """                return TransientError("gone")
            return replace(seen, discount=kept)
"""),
    ("a listing begins in the second after", f"{WOO}/store.py",
     "wire.naive_gmt(max(since, EPOCH) - SECOND)", "wire.naive_gmt(max(since, EPOCH))"),
    ("what left a listing while it was read is not looked for", f"{WOO}/listing.py",
     "if at > 0 and last and (not rows or self.key(rows[0]) > last):", "if at < 0:"),
    ("the trash is not listed", f"{WOO}/store.py",
     'passes = ["any", "trash"] if kind == "order" else ["any"]', 'passes = ["any"]'),
    ("an order with refunds is taken for complete", f"{WOO}/wire.py",
     "is_complete=not row.refunds", "is_complete=True"),
    ("a webhook that was given up is left so", f"{WOO}/store.py",
     'one for one in there if one.status != "disabled"}', "one for one in there}"),
    ("coupons open to everybody are left there", f"{WOO}/store.py",
     '                await self._delete(f"/coupons/{seen.id}")\n        if seen',
     "                pass\n        if seen"),
    ("another store's records are believed", f"{WOO}/wire.py",
     "if urlsplit(link.href).hostname != host:", "if not link:"),
    ("cash on delivery counts as paid at once", f"{WOO}/wire.py",
     'status in {"processing", "refunded", "trash"} and paid_gmt is not None',
     'status in {"processing", "refunded", "trash"}'),
)  # fmt: skip
SHOPIFY = "platforms/shopify"
SHOPIFY_TESTS = (
    "tests/platforms/shopify",
    "tests/flows/test_shopify.py",
    "tests/flows/test_renewal.py",
    "tests/flows/app/test_told.py",
    "tests/flows/app/test_install.py",
    "tests/flows/app/test_embedded.py",
)
SHOPIFY_BUGS = (
    ("the signature is held against the body written anew", f"{SHOPIFY}/adapter.py",
     'hmac.digest(secret.encode(), delivery.body, "sha256")',
     'hmac.digest(secret.encode(), orjson.dumps(orjson.loads(delivery.body)), "sha256")'),
    ("THROTTLED is taken for data", f"{SHOPIFY}/api.py",
     "        if told.errors:\n", '        if told.errors and bytes(told.data) == b"null":\n'),
    ("how long to wait is not reckoned", f"{SHOPIFY}/api.py",
     "missing / cost.throttle_status.restore_rate, 0.1)", "1.0, 0.1)"),
    ("a token is shared between stores", "connector/sync/stores.py",
     "self._kept.setdefault(store.id, ", 'self._kept.setdefault("", '),
    ("many processes renew a token at once", "connector/sync/keeping.py",
     "return access if access != old else await self._save(sealed, await renew(old))",
     "return await self._save(sealed, await renew(old))"),
    ("nobody renews a token alone", "connector/sync/keeping.py",
     'async with self._accesses.leases.alone(self._store, "access"):',
     "async with asyncio.Lock():"),
    ("a token is renewed over one that was connected meanwhile", "connector/sync/keeping.py",
     "WHERE id = $2 AND access = $3", "WHERE id = $2 AND length($3) > 0"),
    ("late word that the app was taken off is heeded", "connector/sync/stores.py",
     "connected_at__lte=at, disconnected_at=None", "disconnected_at=None"),
    ("a store that is connected is erased", "connector/web/privacy.py",
     "disconnected_at__isnull=False", "disconnected_at__isnull=True"),
    ("a delivery is believed by its header alone", f"{SHOPIFY}/app.py",
     "if len(urls) != 1:", "if not urls:"),
    ("exp of session tokens is not required", f"{SHOPIFY}/session.py",
     "    exp: int\n", "    exp: int = 10**12\n"),
    ("a session token of two stores is taken", f"{SHOPIFY}/session.py",
     '(claims.dest, claims.iss) != (url, f"{url}/admin")', "claims.dest != url"),
    ("a session token for another app is taken", f"{SHOPIFY}/session.py",
     "if claims.aud != client_id or", "if"),
    ("a code is taken whenever it was signed", f"{SHOPIFY}/oauth.py",
     "abs(now.timestamp() - int(text)) > AGE_MAX_S", "int(text) < 0"),
    ("another store is approved than was begun with", "connector/web/install.py",
     'if keys.get("url", ticket.subject) != ticket.subject:', "if False:"),
    ("a token that never ends is asked for", f"{SHOPIFY}/auth.py",
     '    "expiring": 1,\n', ""),
    ("a code is exchanged for a token that never ends", f"{SHOPIFY}/auth.py",
     'asked |= {"code": code, "expiring": "1"}', 'asked |= {"code": code}'),
    ("what cannot be a token is taken for one", f"{SHOPIFY}/auth.py",
     'pattern=r"\\A[!-~]+\\Z"', 'pattern=""'),
    ("everybody may frame the pages", "connector/web/frames.py",
     '" ".join(self.ancestors)', '"*"'),
    ("a page is shown in the name of another store", "connector/web/callers.py",
     "if named not in {None, visit.url}:", "if named is None:"),
    ("a used refresh token is kept", f"{SHOPIFY}/auth.py",
     "for name, text in new.items() if text}",
     'for name, text in new.items() if text and name != "refresh_token"}'),
    ("a token is used until its very end", f"{SHOPIFY}/auth.py",
     "datetime.fromisoformat(until) - EARLY", "datetime.fromisoformat(until)"),
    ("a token that was refused is used on", f"{SHOPIFY}/api.py",
     "if answer.status_code == 401:", "if answer.status_code == 402:"),
    ("any host that ends so is a store", f"{SHOPIFY}/auth.py",
     "if not HOST.fullmatch(host):", "if not HOST.search(host):"),
    ("money is what a market shows", f"{SHOPIFY}/operations/fragments/money.graphql",
     "  shopMoney {", "  shopMoney: presentmentMoney {"),
    ("tax stays in prices that include it", f"{SHOPIFY}/wire.py",
     """        quantity=line.quantity,
        total_minor=total - tax if order.taxes_included else total,
        tax_minor=tax,
    )


def _charge""", """        quantity=line.quantity,
        total_minor=total,
        tax_minor=tax,
    )


def _charge"""),
    ("an order with refunds is taken for whole", f"{SHOPIFY}/wire.py",
     "return not self.refunds and not has_more_lines", "return not has_more_lines"),
    ("a page goes on without its filter", f"{SHOPIFY}/store.py",
     '            query, _, after = cursor.partition("|")',
     '            query, after = "", cursor.partition("|")[2]'),
    ("what was refused by its scope is tried again", f"{SHOPIFY}/api.py",
     'if "ACCESS_DENIED" in codes:', 'if "ACCESS_DENIE" in codes:'),
    ("the first of two logged_in_customer_id is taken", f"{SHOPIFY}/proxy.py",
     'ONCE = ("shop", "logged_in_customer_id", ', 'ONCE = ("shop", '),
    ("an old request of the proxy is taken", f"{SHOPIFY}/proxy.py",
     "abs(now.timestamp() - int(text)) > AGE_MAX_S", "int(text) > now.timestamp() + AGE_MAX_S"),
    ("a blank customer is not signed", f"{SHOPIFY}/proxy.py",
     "parse_qsl(query, keep_blank_values=True)", "parse_qsl(query)"),
    ("a child before its parent is dropped", f"{SHOPIFY}/spool.py",
     "        rows = [_row(line) for line in lines]\n",
     "        rows = [_row(line) for line in lines]\n"
     "        there = {root for root, field, _, _ in rows if field == ROOT}\n"
     "        rows = [row for row in rows if row[0] in there]\n"),
    ("what came is not counted", f"{SHOPIFY}/bulk.py",
     "if (str(spool.lines), str(spool.roots)) != (state.object_count, state.root_object_count):",
     "if spool.lines < 0:"),
    ("an operation is run anew for every page", f"{SHOPIFY}/bulk.py",
     "return Part(roots, replace(place, after=roots[-1].id))",
     'return Part(roots, replace(place, operation="", after=roots[-1].id))'),
    ("an operation that failed is waited for", f"{SHOPIFY}/bulk.py",
     'frozenset({"CREATED", "RUNNING", "CANCELING"})',
     'frozenset({"CREATED", "RUNNING", "CANCELING", "FAILED"})'),
    ("the last line without its end is dropped", f"{SHOPIFY}/bulk.py",
     "    if rest:\n", "    if rest and rest.endswith(b\"\\n\"):\n"),
    ("a refund names itself and not its order", f"{SHOPIFY}/adapter.py",
     '"refunds/create": ("order", ["order_id"]),', '"refunds/create": ("order", ["id"]),'),
)  # fmt: skip
Bug = tuple[str, str, str, str]
SETS: dict[str, tuple[tuple[str, ...], tuple[Bug, ...]]] = {
    "laws": (RULE_TESTS, BUGS),
    "platforms": ((SUITE,), PLATFORM_BUGS),
    "shopify": (SHOPIFY_TESTS, SHOPIFY_BUGS),
}


def is_found(bug: Bug, tests: Sequence[str]) -> bool:
    """Return whether the tests are red with this bug planted."""
    _, file, right, wrong = bug
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for part in ("connector", "platforms", "tests", "manifest"):
            ignored = shutil.ignore_patterns("__pycache__", "bundles", "screenshots")
            shutil.copytree(part, copy / part, ignore=ignored)
        shutil.copy("pyproject.toml", copy)
        text = (copy / file).read_text(encoding="utf-8")
        if text.count(right) != 1:
            raise SystemExit(f"{file} has {text.count(right)} of {right!r}")
        (copy / file).write_text(text.replace(right, wrong), encoding="utf-8")
        return any(_is_red(copy, tests, profile) for profile in ("glance", "check"))


def _is_red(copy: Path, tests: Sequence[str], profile: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "HYPOTHESIS_PROFILE": profile},
        capture_output=True,
        check=False,
    )
    return done.returncode == 1


def planted(name: str) -> dict[str, bool]:
    """Plant all of a set, tell each, and return which were found.

    Raises:
        SystemExit: the tests are red by themselves.
    """
    tests, bugs = SETS[name]
    _, file, right, _ = bugs[0]
    if is_found(("no bug", file, right, right), tests):
        raise SystemExit(f"{', '.join(tests)}: red without any bug")
    found = {}
    for bug in bugs:
        found[bug[0]] = is_found(bug, tests)
        sys.stdout.write(f"{'red ' if found[bug[0]] else 'MISSED'}  {bug[0]}\n")
        sys.stdout.flush()
    return found


def main() -> int:
    """Plant all of a set."""
    found = planted((sys.argv[1:] or ["laws"])[0])
    missed = len(found) - sum(found.values())
    sys.stdout.write(f"{sum(found.values())} of {len(found)} planted bugs found, {missed} missed\n")
    return 0 if not missed else 1


if __name__ == "__main__":
    sys.exit(main())
