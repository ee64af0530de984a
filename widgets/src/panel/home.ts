/** Home: the balance, the stem to the next reward, and the one thing to do now. */

import { type Child, h } from '../ui/h.ts';
import { check, gift, icon, svg } from '../ui/icons.ts';
import type { Key } from '../ui/words.ts';
import { ONCE } from './history.ts';
import { best, needsChoice, open, stem, theirs } from './offers.ts';
import { button, row } from './parts.ts';
import { type MemberScene, nameOf, rateText, shortOf, useText, worthText } from './scene.ts';
import { standing } from './tiers.ts';

/** The greeting of an hour of the day. */
export function greetingOf(hour: number): Key {
  if (hour >= 5 && hour < 12) return 'morning';
  return hour >= 12 && hour < 18 ? 'afternoon' : 'evening';
}

export function home(scene: MemberScene): Child[] {
  const { words, visitor } = scene;
  const { available, pending, history, redemptions, first_name: name } = visitor;
  if (!available && !pending && !history.length && !redemptions.length) return empty(scene);
  const hello = name ? words.t(greetingOf(new Date().getHours()), { name }) : words.t('hello');
  return [h('h3', { class: 'pn-hello' }, hello), balance(scene), codes(scene), standing(scene), expiry(scene)];
}

function balance(scene: MemberScene): HTMLElement {
  const { words, visitor, redeemer } = scene;
  const offer = best(scene.offers, visitor.available);
  return h(
    'section',
    { class: 'pn-balance', part: 'balance', 'aria-label': words.t('balance') },
    h(
      'div',
      { class: 'pn-balance-top' },
      h('p', { class: 'pn-balance-n' }, h('small', null, words.t('toSpend')), words.number(visitor.available)),
      pending(scene),
    ),
    ...way(scene),
    offer &&
      button({
        kind: 'invert',
        isWide: true,
        key: 'use',
        isOff: scene.isOffline || !!redeemer.sending,
        label: needsChoice(offer) ? words.t('choose') : useText(scene, offer),
        click: () => (needsChoice(offer) ? scene.go('rewards') : scene.redeem(offer.id, { product: offer.gifts[0]?.id })),
      }),
  );
}

function pending({ words, visitor }: MemberScene): HTMLElement | null {
  if (visitor.pending <= 0) return null;
  const points = h('b', null, h('bdi', { dir: 'ltr' }, words.signed(visitor.pending)));
  const { pending_at: at, history } = visitor;
  const until = history.find(({ awaits }) => awaits)?.awaits;
  return h(
    'p',
    { class: 'pn-pending' },
    h('span', null, ...words.parts('onTheWay', { points })),
    at
      ? h('span', null, words.t('yoursOn', { date: words.day(at) }))
      : until && h('span', null, words.t(ONCE[until])),
  );
}

function way(scene: MemberScene): Child[] {
  const { words, visitor } = scene;
  const path = stem(scene.offers, visitor.available);
  if (!path) return [];
  const { goal, nodes, at } = path;
  const isReached = at >= 1;
  const node = (x: number, isHad: boolean, label: Child, full: string): HTMLElement =>
    h(
      'li',
      { class: isHad ? 'is-had' : null, style: `--x:${x * 100}%` },
      h('i', { 'aria-hidden': 'true' }, icon(isHad ? check : gift)),
      h('bdi', { class: 'pn-num', 'aria-hidden': 'true' }, label),
      h('span', { class: 'pn-sr' }, isHad ? words.t('reached', { reward: full }) : full),
    );
  const points = h('b', { class: 'pn-num' }, words.t('points', { n: goal.cost - visitor.available }));
  return [
    h(
      'ol',
      { class: 'pn-stem', style: `--at:${at * 100}%`, 'aria-label': words.t('stem') },
      ...nodes.map(({ offer, x }) =>
        node(x, true, shortOf(scene, offer), nameOf(scene, offer)),
      ),
      node(1, isReached, goal.gifts.length ? shortOf(scene, goal) : nameOf(scene, goal), nameOf(scene, goal)),
    ),
    h(
      'p',
      { class: 'pn-balance-next' },
      ...(isReached ? [words.t('allReached')] : words.parts('towards', { points, reward: nameOf(scene, goal) })),
    ),
  ];
}

/** A code that waits to be used must not be forgotten. */
function codes(scene: MemberScene): HTMLElement | null {
  const { words, visitor } = scene;
  const n = open(visitor.redemptions).filter(({ state }) => state === 'issued').length;
  if (!n) return null;
  const end = button({ kind: '2', key: 'codes', label: words.t('seeCodes'), click: () => scene.go('rewards') });
  return h(
    'section',
    { class: 'pn-card' },
    row({
      shape: gift,
      isHeading: true,
      isWrapping: true,
      title: words.t('codeReady', { n }),
      detail: words.t('codeReadySub'),
      end,
    }),
  );
}

function expiry({ words, visitor }: MemberScene): HTMLElement | null {
  const next = visitor.next_expiry;
  if (!next) return null;
  const text = words.t('expiry', { n: next.points, date: words.day(next.at) });
  return h('p', { class: 'pn-mute pn-small pn-num' }, text);
}

const SPROUT = [
  'M14 100h120',
  'M74 100V58',
  'M74 72c-4-16-16-22-32-20 2 16 16 24 32 20Z',
  'M74 60c2-18 14-28 34-28 0 20-14 32-34 28Z',
  'M48 100c4-10 14-14 26-14s22 4 26 14',
];

function empty(scene: MemberScene): Child[] {
  const { words, visitor, rates, offers } = scene;
  const name = visitor.first_name;
  const lead = [
    ...rates.slice(0, 1).map((rate) => rateText(scene, rate)),
    ...theirs(offers).slice(0, 1).map((offer) => worthText(scene, offer)),
  ];
  return [
    h('h3', { class: 'pn-hello' }, name ? words.t('welcome', { name }) : words.t('welcomeNew')),
    h(
      'div',
      { class: 'pn-center' },
      svg(SPROUT, { class: 'pn-sprout', viewBox: '0 0 148 112' }),
      h('h4', { class: 'pn-h3' }, words.t('emptyTitle')),
      h('p', { class: 'pn-mute' }, ...lead.flatMap((line) => [line, h('br')])),
      button({ kind: '1', key: 'shop', label: words.t('emptyShop'), click: () => scene.close() }),
      button({ kind: '3', key: 'earn', label: words.t('emptyEarn'), click: () => scene.go('earn') }),
    ),
  ];
}
