/** What can be earned and had in a store's currency, and how far a balance reaches. Pure. */

import type { Entry, Gift, Multiplier, Program, Redemption, Reward, Visitor } from '../contract.ts';

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

/** How many points are for a part of a cart, and what each step of them is worth. */
export interface Part {
  readonly least: number;
  readonly most: number;
  readonly step: number;
  readonly stepMinor: number;
}

/** Of a part of a cart the cost and the value are the least that there is. */
export interface Offer extends Off {
  readonly id: string;
  readonly cost: number;
  /** What it costs who is in no tier that has it cheaper, where the shopper is; else 0. */
  readonly usual: number;
  readonly part: Part | null;
  /** The products of which one is for nothing. */
  readonly gifts: readonly Gift[];
  readonly minimumMinor: number;
  readonly days: number | null;
  /** Whether the points come back for a code that ended unused. */
  readonly givesBack: boolean;
  /** How many can still be had, where there are only so many. */
  readonly left: number | null;
  /** The tier that it opens at, where the shopper is not in one that has it. */
  readonly opensAt: string | undefined;
  /** Whether the shopper had it as often as one may. */
  readonly isUsedUp: boolean;
  /** The instant at which it is over, where it is for a time. */
  readonly endsAt: string | null;
}

const KINDS = new Set(['amount_off', 'percent_off', 'product_off', 'free_shipping', 'part_of_cart', 'free_product']);

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
      const { id, kind, gifts, code_expires_days: days, left, tiers, ends_at: endsAt } = reward;
      const isNow = isBetween(reward.begins_at, endsAt, now);
      const lacks = [reward.value_minor, reward.minimum_minor].some((by) => Object.keys(by).length && !by[currency]);
      if (!KINDS.has(kind) || !isNow || lacks) return [];
      const stepMinor = reward.value_minor[currency] ?? 0;
      const part = partOf(reward, stepMinor);
      const valueMinor = part ? worth(part, part.least) : stepMinor;
      const cost = part?.least ?? reward.cost_in[tier ?? ''] ?? reward.cost;
      const usual = !part && cost < reward.cost ? reward.cost : 0;
      const minimumMinor = reward.minimum_minor[currency] ?? 0;
      const opensAt = tier && tiers.includes(tier) ? undefined : names.find((name) => tiers.includes(name));
      const isUsedUp = visitor?.used_up.includes(id) ?? false;
      const off = { kind, valueMinor, percent: reward.percent ?? 0 };
      const price = { cost, usual, part, gifts, givesBack: reward.gives_back };
      return [{ id, ...price, ...off, minimumMinor, days, left, opensAt, isUsedUp, endsAt }];
    })
    .sort((a, b) => a.cost - b.cost || a.valueMinor - b.valueMinor);
}

function partOf({ cost: step, minimum_points: least, maximum_points: most }: Reward, stepMinor: number): Part | null {
  return most ? { least: least ?? step, most, step, stepMinor } : null;
}

/** What so many points take off a cart. */
export function worth({ step, stepMinor }: Part, points: number): number {
  return Math.floor(points / step) * stepMinor;
}

/** The points nearest to those that were chosen that the shopper has and a step ends at. */
export function fit({ least, most, step }: Part, points: number, available: number): number {
  const steps = Math.floor((Math.min(points, most, available) - least) / step);
  return least + Math.max(steps, 0) * step;
}

/** Whether there is more to say than that one wants it. */
export function needsChoice({ part, gifts }: Offer): boolean {
  return !!part || gifts.length > 1;
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
