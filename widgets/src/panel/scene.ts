/** What the views draw from, and what they may do. */

import type { Config } from '../config.ts';
import type { Gift, Program, Redemption, Store, Visitor } from '../contract.ts';
import type { Words } from '../ui/words.ts';
import type { Cart } from './cart.ts';
import type { Claimer } from './claimer.ts';
import type { Off, Offer, Rate } from './offers.ts';
import type { Choice, Redeemer } from './redeem.ts';

export type View = 'home' | 'earn' | 'rewards' | 'history';

export interface Scene {
  readonly words: Words;
  readonly config: Config;
  readonly store: Store;
  readonly program: Program;
  readonly rates: readonly Rate[];
  readonly offers: readonly Offer[];
  readonly redeemer: Redeemer;
  readonly cart: Cart;
  readonly claimer: Claimer;
  readonly canClaim: boolean;
  readonly isOffline: boolean;
  /** The code that was copied last. */
  readonly copied: string;
  go(view: View): void;
  redeem(reward: string, choice?: Choice): void;
  copy(code: string): void;
  close(): void;
}

export interface MemberScene extends Scene {
  readonly visitor: Visitor;
}

/** An offer's name: "€5 off"; of a part of a cart the least. */
export function nameOf({ words, store }: Scene, offer: Offer): string {
  return nameOff(words, offer, store.currency, offer.gifts);
}

/** What an offer is called where its value is not said. */
export function titleOf(scene: Scene, offer: Offer): string {
  return offer.part ? scene.words.t('partOfCart') : nameOf(scene, offer);
}

/** The product that a redemption is of, where it is a gift that is still told of. */
export function giftOf({ program }: Scene, { kind, products }: Redemption): Gift | undefined {
  const gifts = kind === 'free_product' ? program.rewards.flatMap((one) => one.gifts) : [];
  return gifts.find(({ id }) => products.includes(id));
}

/** A redemption's name, by the value that it was redeemed at. */
export function nameOfRedemption(scene: Scene, redemption: Redemption): string {
  const { kind, percent, value_minor: valueMinor, currency } = redemption;
  const gift = giftOf(scene, redemption);
  return nameOff(scene.words, { kind, percent, valueMinor }, currency, gift && [gift]);
}

/** An offer in a word, where there is one: "€5". */
export function shortOf({ words, store }: Scene, { kind, percent, valueMinor }: Off): string {
  if (kind === 'free_shipping') return '';
  if (kind === 'free_product') return words.t('gift');
  return kind === 'percent_off' ? words.percent(percent) : words.money(valueMinor, store.currency);
}

export function rateText({ words, store }: Scene, rate: Rate): string {
  return words.t('rate', { n: rate.points, amount: words.money(rate.perMinor, store.currency) });
}

/** What a reward is worth: "500 points is €5 off". */
export function worthText(scene: Scene, offer: Offer): string {
  const points = scene.words.t('points', { n: offer.cost });
  return scene.words.t('worth', { points, reward: nameOf(scene, offer) });
}

/** The label that says what redeeming does: "Use 500 points for €5 off". */
export function useText(scene: Scene, offer: Offer): string {
  const points = scene.words.t('points', { n: offer.cost });
  return scene.words.t('use', { points, reward: nameOf(scene, offer) });
}

/** A gift's title is the merchant's and may be written the other way, so it is isolated. */
function nameOff(words: Words, { kind, percent, valueMinor }: Off, currency: string, gifts: readonly Gift[] = []): string {
  if (kind === 'free_shipping') return words.t('freeShipping');
  if (kind === 'free_product') {
    if (gifts.length > 1) return words.t('giftChoice');
    return gifts[0] ? words.t('giftFree', { title: `\u2068${gifts[0].title}\u2069` }) : words.t('gift');
  }
  if (kind === 'percent_off') return words.t('amountOff', { amount: words.percent(percent) });
  const amount = words.money(valueMinor, currency);
  return words.t(kind === 'product_off' ? 'productOff' : 'amountOff', { amount });
}
