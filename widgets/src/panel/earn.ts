/** Earn: what pays points, when they become the shopper's, and how long they last. */

import type { Multiplier } from '../contract.ts';
import { type Child, h } from '../ui/h.ts';
import { bag, check, clock, gift, lock } from '../ui/icons.ts';
import type { Key, Words } from '../ui/words.ts';
import { claim } from './claim.ts';
import { DEEDS, ONCE } from './history.ts';
import { notOver } from './offers.ts';
import { SEPARATOR, list, row, title } from './parts.ts';
import { type Scene, rateText } from './scene.ts';
import { ladder, times } from './tiers.ts';

const PER: Record<string, Key> = {
  day: 'perDay',
  week: 'perWeek',
  month: 'perMonth',
  year: 'perYear',
  lifetime: 'perLife',
};

/** What a shopper can do here and now; who told us of an event knows what it was. */
const SHOWN = new Set(['review', 'newsletter', 'birthday']);

export function earn(scene: Scene): Child[] {
  const { words, program, rates } = scene;
  const { pending_days: days, pending_until: until, expiry, expiry_months: months } = program;
  const last = { lot: 'monthsLast', inactivity: 'monthsIdle', none: 'neverExpire' } as const;
  const more = notOver(program, Date.now()).filter(({ tier }) => !tier).map((one) =>
    row({
      shape: gift,
      title: times(words, one),
      detail: whenText(words, one),
    }),
  );
  const ways = rates.map((rate) =>
    row({ shape: bag, title: words.t('buy'), detail: rateText(scene, rate) }),
  );
  const others = program.earn.flatMap(({ kind, points: n }) => {
    const key = SHOWN.has(kind) ? DEEDS[kind] : undefined;
    return key ? [row({ shape: check, title: words.t(key), detail: words.t('points', { n }) })] : [];
  });
  const most = program.earn.flatMap(({ kind, caps }) =>
    kind === 'order'
      ? caps.flatMap(({ points: n, per }) => {
          const key = PER[per];
          return key ? [words.t(key, { points: words.t('points', { n }) })] : [];
        })
      : [],
  );
  return [
    title(words.t('waysToEarn')),
    ways.length || others.length ? list(...more, ...ways, ...others) : h('p', { class: 'pn-mute' }, words.t('noEarn')),
    ...claim(scene),
    ...ladder(scene),
    h('h3', { class: 'pn-h3' }, words.t('goodToKnow')),
    list(
      row({
        shape: check,
        isOff: true,
        title: words.t('whenYours'),
        detail: until
          ? [words.t(ONCE[until]), ...(days ? [words.t('daysLater', { n: days })] : [])].join(SEPARATOR)
          : days
            ? words.t('whenDays', { n: days })
            : words.t('whenNow'),
      }),
      row({
        shape: clock,
        isOff: true,
        title: words.t('howLong'),
        detail: words.t(last[expiry], { n: months }),
      }),
      ...(most.length ? [row({ shape: lock, isOff: true, title: words.t('most'), detail: most.join(SEPARATOR) })] : []),
    ),
  ];
}

/** The days from which and to which more is paid; the last one is a day on which it still is. */
function whenText(words: Words, { begins_at: begins, ends_at: ends }: Multiplier): string {
  const from = begins && Date.parse(begins) > Date.now() ? words.day(begins) : '';
  const until = ends ? words.day(new Date(Date.parse(ends) - 1).toISOString()) : '';
  if (from && until) return words.t('fromUntil', { from, until });
  if (until) return words.t('until', { until });
  return from ? words.t('from', { from }) : words.t('always');
}
