/** Earn: what pays points, when they become the shopper's, and how long they last. */

import { type Child, h } from '../ui/h.ts';
import { bag, check, clock } from '../ui/icons.ts';
import { list, row, title } from './parts.ts';
import { type Scene, rateText } from './scene.ts';

export function earn(scene: Scene): Child[] {
  const { words, program, rates } = scene;
  const { pending_days: days, expiry_months: months } = program;
  const ways = rates.map((rate) =>
    row({ shape: bag, title: words.t('buy'), detail: rateText(scene, rate) }),
  );
  return [
    title(words.t('waysToEarn')),
    ways.length ? list(...ways) : h('p', { class: 'pn-mute' }, words.t('noEarn')),
    h('h3', { class: 'pn-h3' }, words.t('goodToKnow')),
    list(
      row({
        shape: check,
        isOff: true,
        title: words.t('whenYours'),
        detail: days ? words.t('whenDays', { n: days }) : words.t('whenNow'),
      }),
      row({
        shape: clock,
        isOff: true,
        title: words.t('howLong'),
        detail: months ? words.t('monthsLast', { n: months }) : words.t('neverExpire'),
      }),
    ),
  ];
}
