/** What can be earned and had in a store's currency, and how far a balance reaches. Pure. */

import type { Entry, Multiplier, Program, Redemption, Visitor } from '../contract.ts';

export interface Rate {
  readonly points: number;
  readonly perMinor: number;
}

/** What a reward takes off an order. */
export interface Off {
  readonly kind: string;
  readonly valueMinor: number;
  readonly percent: number;
}

export interface Offer extends Off {
  readonly id: string;
  readonly cost: number;
  readonly minimumMinor: number;
  readonly days: number | null;
  /** How many can still be had, where there are only so many. */
  readonly left: number | null;
  /** The tier that it opens at, where the shopper is not in one that has it. */
  readonly opensAt: string | undefined;
  /** Whether the shopper had it as often as one may. */
  readonly isUsedUp: boolean;
  /** The instant at which it is over, where it is for a time. */
  readonly endsAt: string | null;
}

const KINDS = new Set(['amount_off', 'percent_off', 'product_off', 'free_shipping']);

/** The rates of orders; a rule that lacks the currency pays nothing and is left out. */
export function rates(program: Program, currency: string): Rate[] {
  return program.earn.flatMap(({ kind, points, per_minor }) => {
    const perMinor = per_minor[currency];
    return kind === 'order' && points > 0 && perMinor ? [{ points, perMinor }] : [];
  });
}

/** The multipliers that hold now or will, the next to end first. */
export function notOver(program: Program, now: number): Multiplier[] {
  const end = ({ ends_at: at }: Multiplier): number => (at ? Date.parse(at) : Infinity);
  return program.multipliers.filter((one) => end(one) > now).sort((a, b) => end(a) - end(b));
}

/** The rewards that the currency has now, cheapest first, as they are for a shopper. */
export function offers(program: Program, currency: string, visitor: Visitor | null, now: number): Offer[] {
  const tier = visitor?.standing?.tier;
  const names = program.tiers?.tiers.map(({ name }) => name) ?? [];
  return program.rewards
    .flatMap((reward) => {
      const { id, kind, cost, code_expires_days: days, left, tiers, ends_at: endsAt } = reward;
      const isNow = isBetween(reward.begins_at, endsAt, now);
      const lacks = [reward.value_minor, reward.minimum_minor].some((by) => Object.keys(by).length && !by[currency]);
      if (!KINDS.has(kind) || !isNow || lacks) return [];
      const valueMinor = reward.value_minor[currency] ?? 0;
      const minimumMinor = reward.minimum_minor[currency] ?? 0;
      const opensAt = tier && tiers.includes(tier) ? undefined : names.find((name) => tiers.includes(name));
      const isUsedUp = visitor?.used_up.includes(id) ?? false;
      const off = { kind, valueMinor, percent: reward.percent ?? 0 };
      return [{ id, cost, ...off, minimumMinor, days, left, opensAt, isUsedUp, endsAt }];
    })
    .sort((a, b) => a.cost - b.cost || a.valueMinor - b.valueMinor);
}

function isBetween(begins: string | null, ends: string | null, now: number): boolean {
  return !(begins && now < Date.parse(begins)) && !(ends && now >= Date.parse(ends));
}

/** The rewards that the shopper may have once the points are there. */
export function theirs(list: readonly Offer[]): Offer[] {
  return list.filter(({ left, opensAt, isUsedUp }) => left !== 0 && !opensAt && !isUsedUp);
}

/** The dearest reward that the points pay for. */
export function best(list: readonly Offer[], available: number): Offer | undefined {
  return theirs(list).findLast((offer) => offer.cost <= available);
}

export interface Stem {
  /** The reward that the stem leads to. */
  readonly goal: Offer;
  /** The share of the way that is behind, 0 to 1. */
  readonly at: number;
  /** Rewards reached on the way, at their share of it. */
  readonly nodes: readonly { readonly offer: Offer; readonly x: number }[];
}

const NODES_MAX = 2;
/** The least share between two nodes, so that a name of eight letters fits under each. */
const GAP_MIN = 0.2;
const FIRST_MIN = 0.06;
const LAST_MAX = 0.76;

/** Lay out the way to the next reward, or to the dearest when all are reached. */
export function stem(all: readonly Offer[], available: number): Stem | null {
  const list = theirs(all);
  const goal = list.find((offer) => offer.cost > available) ?? list.at(-1);
  if (!goal) return null;
  const nodes: { offer: Offer; x: number }[] = [];
  let limit = LAST_MAX;
  for (const offer of list.filter(({ cost }) => cost <= available && cost < goal.cost).reverse()) {
    const x = offer.cost / goal.cost;
    if (x > limit || x < FIRST_MIN || nodes.length === NODES_MAX) continue;
    nodes.unshift({ offer, x });
    limit = x - GAP_MIN;
  }
  return { goal, at: Math.min(Math.max(available / goal.cost, 0), 1), nodes };
}

/** Redemptions that still matter to the shopper, the newest first. */
export function open(redemptions: readonly Redemption[]): Redemption[] {
  return newest(redemptions.filter(({ state }) => state !== 'used' && state !== 'returned'));
}

/** Redemptions that are over, the newest first. */
export function past(redemptions: readonly Redemption[]): Redemption[] {
  return newest(redemptions.filter(({ state }) => state === 'used' || state === 'returned'));
}

function newest(redemptions: Redemption[]): Redemption[] {
  return redemptions.sort((a, b) => Date.parse(b.redeemed_at) - Date.parse(a.redeemed_at));
}

const TAKING = new Set(['redeem', 'expire', 'clawback']);
const GIVING = new Set(['earn', 'release']);

/** The points of an entry with their sign; a kind that is not known keeps the sign it came with. */
export function signed({ kind, points }: Entry): number {
  if (TAKING.has(kind)) return -Math.abs(points);
  return GIVING.has(kind) ? Math.abs(points) : points;
}
