/** What holds for an offer, and what it costs. */

import { type Child, h } from '../ui/h.ts';
import type { Offer } from './offers.ts';
import { SEPARATOR } from './parts.ts';
import { type Scene, nameOf } from './scene.ts';

/** How many are left, the least order, and how long its code lasts. */
export function terms({ words, store }: Scene, offer: Offer): string {
  const { minimumMinor, days, left, endsAt, givesBack } = offer;
  const lastDay = endsAt && new Date(Date.parse(endsAt) - 1).toISOString();
  return [
    lastDay ? words.t('until', { until: words.day(lastDay) }) : '',
    left ? words.t('left', { n: left }) : '',
    minimumMinor ? words.t('minimum', { amount: words.money(minimumMinor, store.currency, true) }) : '',
    days ? words.t('validDays', { n: days }) : '',
    days && givesBack ? words.t('comeBack') : '',
  ]
    .filter(Boolean)
    .join(SEPARATOR);
}

/** The points that an offer costs, after what it costs others where it is cheaper here, and more. */
export function price(scene: Scene, offer: Offer, ...more: string[]): Child {
  const { words } = scene;
  const { cost, usual, part } = offer;
  const points = words.t('points', { n: cost });
  const paid = part ? words.t('partWorth', { points, reward: nameOf(scene, offer) }) : points;
  const rest = ['', ...more.filter(Boolean)].join(SEPARATOR);
  if (!usual) return paid + rest;
  return h(
    'span',
    null,
    h('s', { 'aria-hidden': 'true' }, words.number(usual)),
    ` ${paid}`,
    h('span', { class: 'pn-sr' }, ` ${words.t('instead', { n: usual })}`),
    rest,
  );
}
