/** Signed out: what the program is, and the way in. */

import { type Child, h } from '../ui/h.ts';
import { bag, check, gift } from '../ui/icons.ts';
import { theirs } from './offers.ts';
import { link, list, row } from './parts.ts';
import { type Scene, rateText, worthText } from './scene.ts';

export function guest(scene: Scene): Child[] {
  const { words, config, program, rates } = scene;
  const offers = theirs(scene.offers);
  const rows = [
    ...rates.map((rate) =>
      row({ shape: bag, title: rateText(scene, rate), detail: words.t('earnSub') }),
    ),
    ...program.earn
      .filter(({ kind }) => kind === 'sign_up')
      .map(({ points: n }) => row({ shape: check, title: words.t('signUp'), detail: words.t('points', { n }) })),
    ...offers.slice(0, 1).map((offer) =>
      row({
        shape: gift,
        title: worthText(scene, offer),
        detail: words.t(offers.length > 1 ? 'worthMore' : 'worthSub'),
      }),
    ),
  ];
  return [
    h(
      'section',
      { class: 'pn-balance', part: 'balance' },
      h('p', { class: 'pn-title' }, words.t('guestTitle')),
      h('p', null, words.t('guestLead')),
    ),
    rows.length > 0 && list(...rows),
    link(config.login, words.t('signIn'), '1'),
  ];
}
