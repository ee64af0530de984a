/** Rewards: the shopper's codes, then what their points buy, then what they will buy. */

import type { Redemption } from '../contract.ts';
import { type Child, h } from '../ui/h.ts';
import { check, clock, copy, down, gift, icon, lock } from '../ui/icons.ts';
import { gifts, slider, useButton } from './choices.ts';
import { type Offer, best, open, past, theirs } from './offers.ts';
import { SEPARATOR, button, link, list, more, row, title } from './parts.ts';
import { type MemberScene, giftOf, nameOfRedemption, titleOf, useText } from './scene.ts';
import { price, terms } from './terms.ts';

const CODES_MAX = 3;

export function rewards(scene: MemberScene): Child[] {
  const { words, visitor, offers } = scene;
  const codes = codeCards(scene);
  const primary = codes.length ? undefined : best(offers, visitor.available);
  return [
    h(
      'div',
      { class: 'pn-split' },
      title(words.t('rewards')),
      h('span', { class: 'pn-chip' }, words.t('points', { n: visitor.available })),
    ),
    h(
      'div',
      { class: 'pn-stack' },
      ...codes.slice(0, CODES_MAX),
      codes.length > CODES_MAX &&
        more(words.t('moreCodes', { n: codes.length - CODES_MAX }), down, 'codes', ...codes.slice(CODES_MAX)),
      ...theirs(offers).map((offer) =>
        offer.cost <= visitor.available ? within(scene, offer, offer === primary) : locked(scene, offer),
      ),
      ...offers.filter((offer) => !theirs([offer]).length).map((offer) => closed(scene, offer)),
      !offers.length && h('p', { class: 'pn-mute' }, words.t('noRewards')),
      usedCodes(scene),
    ),
  ];
}

function within(scene: MemberScene, offer: Offer, isPrimary: boolean): HTMLElement {
  const { part, usual } = offer;
  const name = titleOf(scene, offer);
  const holds = part ? '' : terms(scene, offer);
  return h(
    'article',
    { class: 'pn-reward', part: 'reward', 'aria-label': name },
    row({ shape: gift, isHeading: true, title: name, detail: usual ? price(scene, offer, holds) : holds }),
    ...(part
      ? slider(scene, offer, part, isPrimary)
      : offer.gifts.length > 1
        ? gifts(scene, offer, isPrimary)
        : [useButton(scene, offer, isPrimary, useText(scene, offer), () => ({ product: offer.gifts[0]?.id }))]),
  );
}

function locked(scene: MemberScene, offer: Offer): HTMLElement {
  const { words, visitor } = scene;
  const name = titleOf(scene, offer);
  const percent = Math.max(0, Math.floor((visitor.available / offer.cost) * 100));
  const toGo = words.t('toGo', { n: offer.cost - visitor.available });
  return h(
    'article',
    { class: 'pn-reward is-locked', part: 'reward', 'aria-label': name },
    row({
      shape: lock,
      isOff: true,
      isHeading: true,
      title: name,
      detail: price(scene, offer, terms(scene, offer)),
    }),
    h(
      'div',
      {
        class: 'pn-bar',
        role: 'progressbar',
        'aria-label': words.t('progress', { reward: name }),
        'aria-valuemin': 0,
        'aria-valuemax': 100,
        'aria-valuenow': percent,
        'aria-valuetext': toGo,
        style: `--at:${percent}%`,
      },
      h('span'),
    ),
    h('p', { class: 'pn-mute pn-num' }, toGo),
  );
}

/** What nobody can have any more, or this shopper not yet. */
function closed(scene: MemberScene, offer: Offer): HTMLElement {
  const { words } = scene;
  const name = titleOf(scene, offer);
  const { opensAt: tier, isUsedUp } = offer;
  const why = isUsedUp ? words.t('usedUp') : tier ? words.t('opensAt', { tier }) : words.t('soldOut');
  return h(
    'article',
    { class: 'pn-reward is-locked', part: 'reward', 'aria-label': name },
    row({ shape: lock, isOff: true, isHeading: true, title: name, detail: price(scene, offer, why) }),
  );
}

/** The codes to use, the newest first; only the first issued one has the filled button. */
function codeCards(scene: MemberScene): HTMLElement[] {
  const { redeemer, offers } = scene;
  const redemptions = open(scene.visitor.redemptions);
  const first = redemptions.find(({ state }) => state === 'issued');
  const cards = redemptions.map((redemption) =>
    redemption.state === 'issued' && redemption.code
      ? codeCard(scene, redemption, redemption.code, redemption === first)
      : waitingCard(scene, nameOfRedemption(scene, redemption), redemption),
  );
  const sending = offers.find(({ id }) => id === redeemer.sending);
  return sending ? [waitingCard(scene, titleOf(scene, sending), null), ...cards] : cards;
}

/** The attributes of a redemption's card; the latest one holds the focus while its code comes. */
function got({ redeemer }: MemberScene, redemption: Redemption | null, name: string) {
  const isLatest = !redemption || (redemption.id === redeemer.latest && !redeemer.sending);
  return {
    class: 'pn-reward is-got',
    part: 'reward code',
    'aria-label': name,
    tabindex: isLatest ? -1 : null,
    'data-key': isLatest ? 'latest' : null,
  };
}

function waitingCard(scene: MemberScene, name: string, redemption: Redemption | null): HTMLElement {
  const { words, redeemer } = scene;
  const isDoubtful = redemption?.state === 'unknown' || (redemption !== null && redeemer.isSlow);
  const doubt = redemption?.state === 'unknown' ? 'checkingCode' : 'gettingSlow';
  return h(
    'article',
    got(scene, redemption, name),
    row({ shape: clock, isHeading: true, title: name, detail: words.t(isDoubtful ? doubt : 'getting') }),
  );
}

function codeCard(scene: MemberScene, redemption: Redemption, code: string, isFirst: boolean): HTMLElement {
  const { words } = scene;
  const name = nameOfRedemption(scene, redemption);
  const { minimum_minor: minimum, currency, expires_at: until } = redemption;
  const detail = [
    minimum ? words.t('minimum', { amount: words.money(minimum, currency, true) }) : '',
    until ? words.t('validUntil', { date: words.day(until, new Date(), 'long') }) : '',
    until && redemption.gives_back ? words.t('comeBack') : '',
  ];
  const free = giftOf(scene, redemption);
  return h(
    'article',
    got(scene, redemption, name),
    row({ shape: gift, isHeading: true, title: name, detail: detail.filter(Boolean).join(SEPARATOR) }),
    redemption.kind === 'free_product' && h('p', { class: 'pn-mute' }, words.t('giftHow')),
    free && link(free.url, words.t('giftPage'), '3', `gift ${code}`),
    ...codeBox(scene, code, isFirst),
  );
}

/** A code to copy or to apply. */
export function codeBox(scene: MemberScene, code: string, isFirst: boolean): Child[] {
  const { words, cart } = scene;
  const where = cart.of(code);
  const refused = typeof where === 'object' ? where.message || words.t('applyFailed') : '';
  return [
    h(
      'div',
      { class: 'pn-code' },
      h('code', { part: 'code-text' }, code),
      h(
        'button',
        {
          type: 'button',
          class: 'pn-icon-btn',
          'data-key': `copy ${code}`,
          'aria-label': words.t('copy', { code }),
          click: () => scene.copy(code),
        },
        icon(scene.copied === code ? check : copy),
      ),
    ),
    refused && h('p', { class: 'pn-mute', role: 'alert' }, refused),
    cart.isKnown && applyButton(scene, code, isFirst),
  ];
}

function applyButton({ words, cart }: MemberScene, code: string, isFirst: boolean): HTMLElement {
  const where = cart.of(code);
  const key = where === 'applied' || where === 'applying' ? where : 'apply';
  return button({
    kind: isFirst ? '1' : '2',
    isWide: true,
    key: `apply ${code}`,
    isOff: key !== 'apply',
    label: words.t(key),
    click: () => void cart.apply(code),
  });
}

function usedCodes(scene: MemberScene): Child {
  const { words, visitor } = scene;
  const rows = past(visitor.redemptions).map((redemption) => {
    const state = words.t(redemption.state === 'used' ? 'used' : 'returned');
    const detail = `${words.day(redemption.redeemed_at)} · ${state}`;
    return row({ shape: check, isOff: true, title: nameOfRedemption(scene, redemption), detail });
  });
  return rows.length > 0 && more(words.t('usedCodes'), down, 'used', list(...rows));
}
