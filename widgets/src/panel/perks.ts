/** Benefits: what the shopper's tier gives them, with the code where there is one. */

import type { Benefit, Perk } from '../contract.ts';
import { type Child, h } from '../ui/h.ts';
import { check, clock, gift } from '../ui/icons.ts';
import type { Words } from '../ui/words.ts';
import { SEPARATOR, list, row } from './parts.ts';
import { codeBox } from './rewards.ts';
import type { MemberScene, Scene } from './scene.ts';

type Terms = Pick<Benefit, 'kind'> & Partial<Benefit>;

/** A benefit's name, such as "10% off for members"; empty for a kind that is newer than this. */
export function benefitName(words: Words, benefit: Terms, currency: string): string {
  switch (benefit.kind) {
    case 'free_shipping':
      return words.t('freeShipping');
    case 'free_returns':
      return words.t('freeReturns');
    case 'early_access':
      return words.t('earlyAccess');
    case 'member_price':
      return words.t('memberPrice', { off: off(words, benefit, currency) });
  }
  return '';
}

function off(words: Words, { percent, value_minor: value }: Terms, currency: string): string {
  if (percent) return words.t('amountOff', { amount: words.percent(percent) });
  return words.t('productOff', { amount: words.money(value?.[currency] ?? 0, currency) });
}

/** What a tier brings, each in a few words. */
export function brings({ words, program, store }: Scene, tier: string): string[] {
  const found = program.tiers?.tiers.find(({ name }) => name === tier);
  if (!found) return [];
  const names = found.benefits.map((benefit) => benefitName(words, benefit, store.currency));
  const points = found.entry_points;
  if (points) names.push(words.t('onReaching', { points: words.t('points', { n: points }) }));
  return names.filter(Boolean);
}

/** The benefits that the shopper has, under their tier. */
export function held(scene: MemberScene): Child {
  const { words, store, visitor, program } = scene;
  const there = program.tiers?.tiers.flatMap(({ benefits }) => benefits) ?? [];
  const rows = visitor.perks.flatMap((perk) => {
    const benefit = there.find(({ id }) => id === perk.benefit) ?? { kind: perk.kind };
    const name = benefitName(words, benefit, store.currency);
    return name ? [one(scene, perk, benefit, name)] : [];
  });
  if (!rows.length) return null;
  return h(
    'div',
    { class: 'pn-stack', role: 'group', 'aria-label': words.t('yourBenefits'), part: 'benefits' },
    list(...rows),
  );
}

function one(scene: MemberScene, perk: Perk, benefit: Terms, title: string): HTMLElement {
  const { code } = perk;
  const isComing = perk.has_code && !code;
  const shape = isComing ? clock : code ? gift : check;
  const head = row({ shape, title, detail: said(scene, perk, benefit) });
  return h('div', { class: 'pn-stack', 'data-benefit': perk.benefit }, head, ...(code ? codeBox(scene, code, false) : []));
}

function said({ words, store }: MemberScene, perk: Perk, benefit: Terms): string {
  if (perk.has_code && !perk.code) return words.t(perk.used_at ? 'perkNext' : 'perkComing');
  const least = benefit.minimum_minor?.[store.currency];
  const last = benefit.ends_at && new Date(Date.parse(benefit.ends_at) - 1).toISOString();
  return [
    perk.code ? words.t('perkOnce') : '',
    least ? words.t('minimum', { amount: words.money(least, store.currency, true) }) : '',
    last ? words.t('until', { until: words.day(last) }) : '',
  ]
    .filter(Boolean)
    .join(SEPARATOR);
}
