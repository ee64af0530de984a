/** What a shopper chooses of a reward: how many points for a part of a cart, or which gift. */

import { type Child, h } from '../ui/h.ts';
import { type Offer, type Part, fit, worth } from './offers.ts';
import { button } from './parts.ts';
import type { Choice } from './redeem.ts';
import type { MemberScene } from './scene.ts';
import { terms } from './terms.ts';

/** The button that redeems an offer as it is chosen by then. */
export function useButton(
  scene: MemberScene,
  { id }: Offer,
  isPrimary: boolean,
  label: string,
  choice: () => Choice,
): HTMLElement {
  return button({
    kind: isPrimary ? '1' : '2',
    isWide: true,
    key: `use ${id}`,
    isOff: scene.isOffline || !!scene.redeemer.sending,
    label,
    click: () => scene.redeem(id, choice()),
  });
}

/** A slider over the points, what they are worth, and the button that uses so many. */
export function slider(scene: MemberScene, offer: Offer, part: Part, isPrimary: boolean): Child[] {
  const { words, store, visitor, redeemer } = scene;
  const { id } = offer;
  const most = fit(part, part.most, visitor.available);
  const named = (n: number): string => words.t('points', { n });
  const off = (n: number): string =>
    words.t('amountOff', { amount: words.money(worth(part, n), store.currency, true) });
  let n = fit(part, redeemer.chosen.get(id)?.points ?? 0, visitor.available);
  const value = h('p', { class: 'pn-strong pn-num' });
  const detail = h('p', { class: 'pn-mute pn-num' });
  const use = useButton(scene, offer, isPrimary, '', () => ({ points: n }));
  const range = h('input', {
    type: 'range',
    class: 'pn-range',
    part: 'slider',
    'data-key': `points ${id}`,
    'aria-label': words.t('partPoints'),
    min: part.least,
    max: most,
    step: part.step,
    value: n,
    input: () => {
      n = Number(range.value);
      redeemer.chosen.set(id, { points: n });
      say();
    },
  });
  const say = (): void => {
    value.textContent = words.t('partWorth', { points: named(n), reward: off(n) });
    range.setAttribute('aria-valuetext', words.t('worth', { points: named(n), reward: off(n) }));
    const minimumMinor = Math.max(offer.minimumMinor, worth(part, n));
    detail.textContent = terms(scene, { ...offer, minimumMinor });
    use.textContent = words.t('useShort', { points: named(n) });
  };
  say();
  return [h('div', null, value, detail), most > part.least && range, use];
}

/** The gifts of which one is chosen; the first is, so that there is always one. */
export function gifts(scene: MemberScene, offer: Offer, isPrimary: boolean): Child[] {
  const { words, redeemer } = scene;
  const { id } = offer;
  const ids = offer.gifts.map((one) => one.id);
  const last = redeemer.chosen.get(id)?.product ?? '';
  let product = ids.includes(last) ? last : ids[0];
  return [
    h(
      'fieldset',
      { class: 'pn-gifts', part: 'gifts' },
      h('legend', null, words.t('chooseGift')),
      ...offer.gifts.map((one) =>
        h(
          'label',
          null,
          h('input', {
            type: 'radio',
            name: id,
            'data-key': `gift ${id} ${one.id}`,
            checked: one.id === product,
            change: () => {
              product = one.id;
              redeemer.chosen.set(id, { product });
            },
          }),
          h('bdi', null, one.title),
        ),
      ),
    ),
    useButton(scene, offer, isPrimary, words.t('takeGift', { points: words.t('points', { n: offer.cost }) }), () => ({
      product,
    })),
  ];
}
