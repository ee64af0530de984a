/** What the views draw from, and what they may do. */

import type { Config } from '../config.ts';
import type { Program, Redemption, Store, Visitor } from '../contract.ts';
import type { Words } from '../ui/words.ts';
import type { Cart } from './cart.ts';
import type { Claimer } from './claim.ts';
import type { Off, Offer, Rate } from './offers.ts';
import type { Redeemer } from './redeem.ts';

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
  redeem(reward: string): void;
  copy(code: string): void;
  close(): void;
}

export interface MemberScene extends Scene {
  readonly visitor: Visitor;
}

/** An offer's name: "€5 off". */
export function nameOf({ words, store }: Scene, offer: Offer): string {
  return nameOff(words, offer, store.currency);
}

/** A redemption's name, by the value that it was redeemed at. */
export function nameOfRedemption({ words }: Scene, redemption: Redemption): string {
  const { kind, percent, value_minor: valueMinor, currency } = redemption;
  return nameOff(words, { kind, percent, valueMinor }, currency);
}

/** An offer in a word, where there is one: "€5". */
export function shortOf({ words, store }: Scene, { kind, percent, valueMinor }: Off): string {
  if (kind === 'free_shipping') return '';
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

function nameOff(words: Words, { kind, percent, valueMinor }: Off, currency: string): string {
  if (kind === 'free_shipping') return words.t('freeShipping');
  if (kind === 'percent_off') return words.t('amountOff', { amount: words.percent(percent) });
  const amount = words.money(valueMinor, currency);
  return words.t(kind === 'product_off' ? 'productOff' : 'amountOff', { amount });
}
