/** What the service answers. Written by `npm run contract` from contract.schema.json. */

/**
 * All that the storefront widgets need. No program: nothing is drawn.
 *
 *     ``can_claim``: a shopper can have a code mailed, and claim what they bought without an account.
 *     What the ``look`` does not say is as the widgets' script tag says.
 */
export interface State {
  store: Store;
  look: Look | null;
  program: Program | null;
  visitor: Visitor | null;
  can_claim: boolean;
}
/**
 * The store that the page belongs to.
 */
export interface Store {
  id: string;
  name: string;
  currency: string;
}
/**
 * What a merchant chose of how widgets look; what is null is as the store's theme says.
 *
 *     ``accent`` is a colour as ``#rgb`` or ``#rrggbb``. Widgets sit in the corner at the ``start``
 *     or the ``end`` of a line.
 */
export interface Look {
  accent: string | null;
  scheme: ('dark' | 'light') | null;
  position: ('end' | 'start') | null;
}
/**
 * The program in force. Points of orders that are ``pending_until`` something wait for it.
 */
export interface Program {
  name: string;
  version: number;
  pending_days: number;
  pending_until: ('delivered' | 'fulfilled') | null;
  expiry: 'inactivity' | 'lot' | 'none';
  expiry_months: number;
  earn: EarnRule[];
  multipliers: Multiplier[];
  rewards: Reward[];
  tiers: Tiers | null;
}
/**
 * A way to earn: so many ``points`` for every ``per_minor`` of a currency, or once.
 *
 *     Of kinds there will be more; a widget draws those that it knows.
 */
export interface EarnRule {
  id: string;
  kind: string;
  points: number;
  per_minor: {
    [k: string]: number;
  };
  caps: Cap[];
}
/**
 * The most that a shopper gets by a rule ``per`` day, week, month, year or lifetime.
 */
export interface Cap {
  points: number;
  per: string;
}
/**
 * By what the points of orders are multiplied that are placed from one instant to another.
 *
 *     Of one ``product`` alone, by the store's id, of one ``collection``, by its handle, or of all;
 *     for one ``tier`` alone, or for all. Those for a segment are told to nobody.
 */
export interface Multiplier {
  factor: string;
  tier: string | null;
  product: string | null;
  collection: string | null;
  begins_at: string | null;
  ends_at: string | null;
}
/**
 * What can be had for points; how many are ``left`` where there are only so many.
 *
 *     Only those in one of ``tiers`` can have it, where there are any. Of a ``part_of_cart`` one says
 *     how many points, from ``minimum_points`` to ``maximum_points``, in steps of ``cost``; of several
 *     ``gifts`` which. In some tiers another cost holds. Where it ``gives_back``, points come back for
 *     a code that ended unused.
 */
export interface Reward {
  id: string;
  kind: string;
  cost: number;
  cost_in: {
    [k: string]: number;
  };
  minimum_points: number | null;
  maximum_points: number | null;
  gives_back: boolean;
  gifts: Gift[];
  value_minor: {
    [k: string]: number;
  };
  percent: number | null;
  minimum_minor: {
    [k: string]: number;
  };
  begins_at: string | null;
  ends_at: string | null;
  limit_per_customer: number | null;
  code_expires_days: number | null;
  left: number | null;
  tiers: string[];
}
/**
 * A product that can be had for nothing, by the store's id.
 */
export interface Gift {
  id: string;
  title: string;
  url: string;
}
/**
 * The tiers, lowest first.
 *
 *     What is bought counts for so many ``months``, in a ``calendar_year``, or for a ``lifetime``.
 */
export interface Tiers {
  window: 'calendar_year' | 'lifetime' | 'months';
  months: number | null;
  tiers: Tier[];
}
/**
 * A tier, and how much it takes of what: of a currency, of ``points`` or of ``orders``.
 *
 *     Any one suffices. Who reaches it first has ``entry_points``, and whoever is in it the benefits.
 */
export interface Tier {
  name: string;
  needs: {
    [k: string]: number;
  };
  entry_points: number | null;
  benefits: Benefit[];
}
/**
 * A perk of a tier; ``kind`` is free_shipping, member_price, early_access or free_returns.
 *
 *     A member's price is ``percent`` off the goods, or ``value_minor`` off some of them. Of kinds
 *     there will be more; a widget draws those that it knows.
 */
export interface Benefit {
  id: string;
  kind: string;
  percent: number | null;
  value_minor: {
    [k: string]: number;
  };
  minimum_minor: {
    [k: string]: number;
  };
  begins_at: string | null;
  ends_at: string | null;
}
/**
 * What only the signed-in shopper sees.
 *
 *     Rewards in ``used_up`` they had as often as one may.
 */
export interface Visitor {
  first_name: string | null;
  available: number;
  pending: number;
  pending_at: string | null;
  next_expiry: Expiry | null;
  standing: Standing | null;
  perks: Perk[];
  redemptions: Redemption[];
  used_up: string[];
  history: Entry[];
}
/**
 * The next points to expire.
 */
export interface Expiry {
  points: number;
  at: string;
}
/**
 * The visitor's tier, the one to reach next, and what keeps the one that would be lost.
 */
export interface Standing {
  tier: string | null;
  since: string | null;
  reach: Aim | null;
  keep: Aim | null;
}
/**
 * A tier to reach or to keep: how much there is, of how much it takes, of what.
 *
 *     What is missing has to be bought before ``until``, if there is an end.
 */
export interface Aim {
  tier: string;
  measure: string;
  counted: number;
  needed: number;
  until: string | null;
}
/**
 * A benefit that the visitor has, by its id in their tier, and when it was used last.
 *
 *     One that ``has_code`` is a code, told once the store has it; after each use a new one comes.
 */
export interface Perk {
  benefit: string;
  kind: string;
  since: string;
  has_code: boolean;
  code: string | null;
  used_at: string | null;
}
/**
 * One of the visitor's redemptions. The code is told once the store has it.
 *
 *     It takes off some ``products``, by the store's ids, or the whole order. Where it ``gives_back``,
 *     its points come back if it ends unused.
 */
export interface Redemption {
  id: string;
  reward_id: string;
  kind: string;
  cost: number;
  state: 'issued' | 'reserved' | 'returned' | 'unknown' | 'used';
  code: string | null;
  value_minor: number;
  percent: number;
  minimum_minor: number;
  currency: string;
  products: string[];
  expires_at: string | null;
  gives_back: boolean;
  redeemed_at: string;
}
/**
 * One line of the visitor's history: what a cause came to at an instant.
 *
 *     ``about`` is what it came of: an ``order``, a ``redemption``, a ``reservation`` of points at a
 *     till, a ``sign_up``, a ``tier`` that was reached, a ``review``, an ``event``, a ``newsletter``,
 *     a ``birthday``, a ``social_share``; there will be more. While nobody knows when it comes, it
 *     ``awaits`` that its order is ``fulfilled`` or ``delivered``.
 */
export interface Entry {
  kind: string;
  about: string;
  points: number;
  at: string | null;
  is_pending: boolean;
  awaits: ('delivered' | 'fulfilled') | null;
  order_number: string | null;
  reward_id: string | null;
}
