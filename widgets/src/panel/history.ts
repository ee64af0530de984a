/** History: what came and went, as the service lists it. */

import type { Entry } from '../contract.ts';
import { type Child, h } from '../ui/h.ts';
import { type Shape, back, bag, check, clock, gift, info } from '../ui/icons.ts';
import type { Key } from '../ui/words.ts';
import { signed } from './offers.ts';
import { list, row, title } from './parts.ts';
import { type MemberScene, titleOf } from './scene.ts';

/** What earns besides buying. */
export const DEEDS: Record<string, Key | undefined> = {
  sign_up: 'signedUp',
  review: 'didReview',
  event: 'didEvent',
  newsletter: 'didNewsletter',
  birthday: 'didBirthday',
  social_share: 'didSocialShare',
  tier: 'didTier',
};

/** What has to happen to an order before its points come. */
export const ONCE = { fulfilled: 'onceFulfilled', delivered: 'onceDelivered' } as const;

export function history(scene: MemberScene): Child[] {
  const { words, visitor } = scene;
  return [
    title(words.t('history')),
    visitor.history.length
      ? list(...visitor.history.map((entry) => line(scene, entry)))
      : h('p', { class: 'pn-mute' }, words.t('noHistory')),
  ];
}

function line(scene: MemberScene, entry: Entry): HTMLElement {
  const { words } = scene;
  const points = signed(entry);
  const [shape, name] = describe(scene, entry);
  const date = entry.at ? words.day(entry.at) : '';
  const tone = entry.is_pending ? 'pn-pts pn-mute' : points > 0 ? 'pn-pts pn-up' : 'pn-pts';
  return row({
    shape,
    isOff: true,
    title: name,
    detail: entry.awaits ? words.t(ONCE[entry.awaits]) : entry.is_pending ? words.t('pendingEntry', { date }) : date,
    end: h('p', { class: tone }, words.signed(points)),
  });
}

function describe(scene: MemberScene, { kind, about, order_number: number, reward_id }: Entry): [Shape, string] {
  const { words } = scene;
  const offer = scene.offers.find(({ id }) => id === reward_id);
  const reward = offer ? titleOf(scene, offer) : words.t(about === 'reservation' ? 'pointsUsed' : 'reward');
  switch (kind) {
    case 'earn':
      if (DEEDS[about]) return [check, words.t(DEEDS[about])];
      return [bag, number ? words.t('order', { number }) : words.t('orderPlain')];
    case 'clawback':
      return [back, number ? words.t('refund', { number }) : words.t('refundPlain')];
    case 'redeem':
      return [gift, reward];
    case 'release':
      return [back, about === 'reservation' ? words.t('pointsReturned') : words.t('pointsBack', { reward })];
    case 'expire':
      return [clock, words.t('pointsExpired')];
    default:
      return [info, words.t('adjusted')];
  }
}
