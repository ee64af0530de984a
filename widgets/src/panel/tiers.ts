/** Tiers: the one that the shopper is in, the way to the next, and what each takes. */

import type { Aim, Multiplier, Tier, Tiers } from '../contract.ts';
import { type Child, h } from '../ui/h.ts';
import { medal } from '../ui/icons.ts';
import { notOver } from './offers.ts';
import { SEPARATOR, list, row } from './parts.ts';
import { brings, held } from './perks.ts';
import type { MemberScene, Scene } from './scene.ts';

/** The shopper's tier with its perks, how far the next one is, and what keeps this one. */
export function standing(scene: MemberScene): Child {
  const { words, visitor } = scene;
  if (!visitor.standing) return null;
  const { tier, reach, keep } = visitor.standing;
  const name = tier ?? (reach ? words.t('towardsTier', { tier: reach.tier }) : '');
  return h(
    'section',
    { class: 'pn-card', part: 'tier', 'aria-label': words.t('yourTier') },
    row({ shape: medal, isHeading: true, isOff: !tier, title: name, detail: tier ? perks(scene, tier) : '' }),
    held(scene),
    reach && bar(scene, reach),
    reach && h('p', { class: 'pn-mute pn-num' }, toGo(scene, reach)),
    reach && next(scene, reach.tier),
    keep && keep.counted < keep.needed && keep.until
      ? h('p', { class: 'pn-mute pn-num' }, kept(scene, keep, keep.until))
      : null,
  );
}

/** What the tier to reach next brings. */
function next(scene: MemberScene, tier: string): Child {
  const all = brings(scene, tier).join(SEPARATOR);
  return all && h('p', { class: 'pn-mute' }, scene.words.t('tierBrings', { tier, perks: all }));
}

function bar(scene: MemberScene, aim: Aim): HTMLElement {
  const percent = Math.max(0, Math.floor((aim.counted / aim.needed) * 100));
  return h(
    'div',
    {
      class: 'pn-bar',
      role: 'progressbar',
      'aria-label': scene.words.t('towardsTier', { tier: aim.tier }),
      'aria-valuemin': 0,
      'aria-valuemax': 100,
      'aria-valuenow': percent,
      'aria-valuetext': toGo(scene, aim),
      style: `--at:${percent}%`,
    },
    h('span'),
  );
}

function toGo(scene: Scene, aim: Aim): string {
  return scene.words.t('toTier', { amount: missing(scene, aim), tier: aim.tier });
}

function kept(scene: Scene, aim: Aim, until: string): string {
  const date = scene.words.day(new Date(Date.parse(until) - 1).toISOString()); // the last day for it
  return scene.words.t('keepTier', { amount: missing(scene, aim), tier: aim.tier, date });
}

function missing(scene: Scene, { measure, needed, counted }: Aim): string {
  return amount(scene, measure, needed - counted);
}

/** So much of a currency, or so many points or orders. */
function amount({ words }: Scene, measure: string, n: number): string {
  if (measure === 'points' || measure === 'orders') return words.t(measure, { n });
  return words.money(n, measure);
}

/** What a tier gives, in a line. */
function perks({ words, program }: Scene, tier: string): string {
  return notOver(program, Date.now())
    .filter((one) => one.tier === tier)
    .map((one) => times(words, one))
    .join(SEPARATOR);
}

export function times(words: Scene['words'], { factor, product, collection }: Multiplier): string {
  return words.t(product || collection ? 'timesSome' : 'times', { factor: Number(factor) });
}

/** What each tier takes and gives. */
export function ladder(scene: Scene): Child[] {
  const { words, program } = scene;
  const tiers = program.tiers;
  if (!tiers) return [];
  const rows = tiers.tiers.map((tier) =>
    row({
      shape: medal,
      isOff: true,
      title: tier.name,
      detail: [least(scene, tiers, tier), perks(scene, tier.name), ...brings(scene, tier.name)]
        .filter(Boolean)
        .join(SEPARATOR),
    }),
  );
  return [h('h3', { class: 'pn-h3' }, words.t('tiers')), list(...rows)];
}

function least(scene: Scene, { window, months }: Tiers, { needs }: Tier): string {
  const { words, store } = scene;
  const measure = store.currency in needs ? store.currency : Object.keys(needs)[0];
  if (!measure) return '';
  const from = amount(scene, measure, needs[measure] ?? 0);
  if (window === 'months') return words.t('tierMonths', { n: months ?? 0, amount: from });
  return words.t(window === 'calendar_year' ? 'tierYear' : 'tierLife', { amount: from });
}
