import assert from 'node:assert/strict';
import test from 'node:test';
import { readConfig, wearing } from '../src/config.ts';
import type { Program, Redemption, Visitor } from '../src/contract.ts';
import { arrivals } from '../src/launcher/arrivals.ts';
import { type Offer, best, fit, needsChoice, notOver, offers, open, rates, signed, stem, worth } from '../src/panel/offers.ts';
import { troubleOf, uuid } from '../src/panel/redeem.ts';
import { cartUrl } from '../src/platforms/woocommerce.ts';
import { follow, luminance } from '../src/theme/dress.ts';

const offer = (cost: number, left: number | null = null): Offer => ({
  id: String(cost), kind: 'amount_off', cost, valueMinor: cost, percent: 0, minimumMinor: 0, days: null, left,
  opensAt: undefined, isUsedUp: false, endsAt: null, usual: 0, part: null, gifts: [], givesBack: false,
});
const plain = { cost_in: {}, minimum_points: null, maximum_points: null, gives_back: false, gifts: [] };
const three = [offer(500), offer(1000), offer(1500)];

test('what lacks the store’s currency is not shown', () => {
  const reward = { ...plain, kind: 'amount_off', minimum_minor: {}, code_expires_days: null, left: null, tiers: [],
    percent: null, begins_at: null, ends_at: null, limit_per_customer: null };
  const program: Program = {
    name: 'Club', version: 1, pending_days: 0, pending_until: null, expiry: 'none', expiry_months: 12,
    earn: [
      { id: 'a', kind: 'order', points: 1, per_minor: { EUR: 100 }, caps: [] },
      { id: 'b', kind: 'order', points: 1, per_minor: { USD: 100 }, caps: [] },
      { id: 'c', kind: 'review', points: 50, per_minor: { EUR: 100 }, caps: [] },
    ],
    multipliers: [],
    rewards: [
      { ...reward, id: 'big', cost: 900, value_minor: { EUR: 900 } },
      { ...reward, id: 'small', cost: 100, value_minor: { EUR: 100, USD: 120 } },
      { ...reward, id: 'yen', cost: 100, value_minor: { JPY: 100 } },
    ],
    tiers: null,
  };

  assert.deepEqual(rates(program, 'EUR'), [{ points: 1, perMinor: 100 }]);
  assert.deepEqual(offers(program, 'EUR', null, 0).map(({ id }) => id), ['small', 'big']);
  assert.deepEqual(offers(program, 'USD', null, 0).map(({ id }) => id), ['small']);
});

test('multipliers that are over are left out, the next to end comes first', () => {
  const multipliers = [
    { factor: '3', tier: null, product: null, begins_at: null, ends_at: null },
    { factor: '2', tier: null, product: null, begins_at: '2026-12-01T00:00:00Z', ends_at: '2026-12-03T00:00:00Z' },
    { factor: '5', tier: null, product: null, begins_at: null, ends_at: '2026-11-20T00:00:00Z' },
  ];
  const program = { multipliers } as unknown as Program;
  const factors = (now: string): string[] => notOver(program, Date.parse(now)).map(({ factor }) => factor);

  assert.deepEqual(factors('2026-11-19T23:59:59Z'), ['5', '2', '3']);
  assert.deepEqual(factors('2026-11-20T00:00:00Z'), ['2', '3']);
});

test('the best reward is the dearest that the points pay for', () => {
  assert.equal(best(three, 1240)?.cost, 1000);
  assert.equal(best(three, 499), undefined);
});

test('a reward for a tier is open to who is in it', () => {
  const reward = {
    ...plain, kind: 'amount_off', minimum_minor: {}, code_expires_days: null, left: null, id: 'gold', cost: 100,
    value_minor: { EUR: 100 }, tiers: ['Platinum', 'Gold'], begins_at: null, ends_at: null, percent: null,
  };
  const tiers = ['Silver', 'Gold', 'Platinum'].map((name) => ({ name }));
  const program = { rewards: [reward], tiers: { tiers } } as unknown as Program;
  const of = (tier: string | null): Offer[] =>
    offers(program, 'EUR', { standing: { tier }, used_up: [] } as unknown as Visitor, 0);
  const opensAt = (tier: string | null): (string | undefined)[] => of(tier).map((one) => one.opensAt);

  assert.deepEqual([opensAt(null), opensAt('Silver'), opensAt('Platinum')], [['Gold'], ['Gold'], [undefined]]);
  assert.equal(best(of('Silver'), 500), undefined);
  assert.equal(best(of('Gold'), 500)?.id, 'gold');
});

test('a reward is offered from its beginning until its end, in currencies that all its amounts have', () => {
  const reward = {
    ...plain, kind: 'percent_off', percent: 10, minimum_minor: { EUR: 2000 }, code_expires_days: null, left: null,
    id: 'tenth', cost: 100, value_minor: {}, tiers: [],
    begins_at: '2026-11-20T00:00:00Z', ends_at: '2026-12-01T00:00:00Z',
  };
  const program = { rewards: [reward, { ...reward, id: 'odd', kind: 'no_such_kind' }] } as unknown as Program;
  const ids = (now: string, currency: string): string[] =>
    offers(program, currency, null, Date.parse(now)).map(({ id }) => id);

  assert.deepEqual(ids('2026-11-19T23:59:59Z', 'EUR'), []);
  assert.deepEqual(ids('2026-11-20T00:00:00Z', 'EUR'), ['tenth']);
  assert.deepEqual(ids('2026-11-30T23:59:59Z', 'EUR'), ['tenth']);
  assert.deepEqual(ids('2026-12-01T00:00:00Z', 'EUR'), []);
  assert.deepEqual(ids('2026-11-25T00:00:00Z', 'USD'), []);
});

test('what somebody had as often as one may is not offered again', () => {
  const reward = {
    ...plain, id: 'once', kind: 'free_shipping', cost: 100, value_minor: {}, minimum_minor: {}, tiers: [], left: null,
  };
  const program = { rewards: [reward], tiers: null } as unknown as Program;
  const visitor = { standing: null, used_up: ['once'] } as unknown as Visitor;

  assert.equal(best(offers(program, 'EUR', null, 0), 500)?.id, 'once');
  assert.equal(best(offers(program, 'EUR', visitor, 0), 500), undefined);
});

test('a tier has a price of its own, which guests and others do not see', () => {
  const reward = {
    ...plain, id: 'five', kind: 'amount_off', cost: 500, cost_in: { Gold: 300, Bronze: 700 },
    value_minor: { EUR: 500 }, minimum_minor: {}, tiers: [], left: null,
  };
  const program = { rewards: [reward], tiers: null } as unknown as Program;
  const price = (visitor: Visitor | null): number[] =>
    offers(program, 'EUR', visitor, 0).flatMap(({ cost, usual }) => [cost, usual]);
  const of = (tier: string | null): Visitor => ({ standing: { tier }, used_up: [] }) as unknown as Visitor;

  assert.deepEqual(price(null), [500, 0]);
  assert.deepEqual(price(of(null)), [500, 0]);
  assert.deepEqual(price(of('Gold')), [300, 500]);
  assert.deepEqual(price(of('Bronze')), [700, 0]);
  assert.equal(best(offers(program, 'EUR', of('Gold'), 0), 300)?.id, 'five');
});

test('a part of a cart costs its least, and steps end at what the shopper has', () => {
  const reward = {
    ...plain, id: 'part', kind: 'part_of_cart', cost: 50, minimum_points: 100, maximum_points: 400,
    value_minor: { EUR: 25 }, minimum_minor: {}, tiers: [], left: null,
  };
  const program = { rewards: [reward], tiers: null } as unknown as Program;
  const [offer] = offers(program, 'EUR', null, 0);
  const part = offer!.part!;

  assert.deepEqual([offer!.cost, offer!.valueMinor, needsChoice(offer!)], [100, 50, true]);
  assert.deepEqual([100, 250, 400].map((points) => worth(part, points)), [50, 125, 200]);
  assert.deepEqual([99, 100, 149, 399, 400, 5000].map((had) => fit(part, 400, had)), [100, 100, 100, 350, 400, 400]);
  assert.deepEqual([0, 130, 250, 9000].map((wanted) => fit(part, wanted, 1000)), [100, 100, 250, 400]);
  assert.deepEqual([0, 499].map((had) => best([offer!], had)?.id), [undefined, 'part']);
});

test('only of several gifts there is one to choose', () => {
  const one = { id: '7', title: 'Mug', url: '' };
  assert.deepEqual([[], [one], [one, one]].map((gifts) => needsChoice({ ...offer(500), gifts })), [false, false, true]);
});

test('what is sold out is neither the best nor the goal', () => {
  const list = [offer(500), offer(1000, 0), offer(1500, 3), offer(2000, 0)];

  assert.equal(best(list, 1240)?.cost, 500);
  assert.equal(stem(list, 1240)?.goal.cost, 1500);
  assert.equal(stem(list, 1600)?.goal.cost, 1500);
  assert.equal(stem([offer(500, 0)], 600), null);
});

test('the stem leads to the next reward, past those that are reached', () => {
  const path = stem(three, 1240);

  assert.equal(path?.goal.cost, 1500);
  assert.equal(path?.at, 1240 / 1500);
  assert.deepEqual(path?.nodes.map(({ x }) => x), [500 / 1500, 1000 / 1500]);
});

test('the stem leaves out nodes whose names would touch, and ends full', () => {
  assert.deepEqual(stem([offer(1100), offer(1180), offer(1300)], 1240)?.nodes, []);
  assert.equal(stem(three, 99_999)?.at, 1);
  assert.equal(stem(three, -20)?.at, 0);
  assert.equal(stem([], 100), null);
});

test('entries carry the sign of their kind', () => {
  const entry = { about: 'order', at: '', is_pending: false, awaits: null, order_number: null, reward_id: null };
  assert.equal(signed({ ...entry, kind: 'redeem', points: 500 }), -500);
  assert.equal(signed({ ...entry, kind: 'expire', points: -80 }), -80);
  assert.equal(signed({ ...entry, kind: 'release', points: 500 }), 500);
  assert.equal(signed({ ...entry, kind: 'adjust', points: -5 }), -5);
});

test('open codes come newest first, without those that are over', () => {
  const one = (id: string, state: Redemption['state'], day: string): Redemption => ({
    id, state, reward_id: 'r', kind: 'amount_off', percent: 0, cost: 1, code: null, value_minor: 1, minimum_minor: 0,
    currency: 'EUR', products: [], expires_at: null, gives_back: false, redeemed_at: `2026-11-${day}T00:00:00Z`,
  });
  const list = [one('a', 'issued', '01'), one('b', 'used', '03'), one('c', 'reserved', '02')];

  assert.deepEqual(open(list).map(({ id }) => id), ['c', 'a']);
});

test('only a 4xx says that no points were taken', () => {
  assert.deepEqual(troubleOf(409, 'insufficient-points'), {
    key: 'errPoints', isRefused: true, canRetry: false, needsSignIn: false,
  });
  assert.equal(troubleOf(429, 'rate-limited').canRetry, true);
  assert.equal(troubleOf(401, 'visitor-unknown').needsSignIn, true);
  assert.deepEqual(troubleOf(503, 'not-ready'), {
    key: 'errNotReady', isRefused: false, canRetry: true, needsSignIn: false,
  });
  assert.equal(troubleOf(0, undefined).key, 'errUnsure');
  assert.equal(troubleOf(418, 'teapot').key, 'errRefused');
});

test('a key is a version 4 UUID', () => {
  assert.match(uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(uuid(), uuid());
});

test('arrivals are said for spendable points before pending ones', () => {
  const seen = { available: 100, pending: 10 };
  assert.deepEqual(arrivals(seen, { available: 110, pending: 0 }), { key: 'arrived', points: 10 });
  assert.deepEqual(arrivals(seen, { available: 100, pending: 15 }), { key: 'coming', points: 5 });
  assert.equal(arrivals(seen, { available: 50, pending: 10 }), null);
});

test('the cart lies beside the visitor’s address', () => {
  assert.equal(cartUrl('/shop/wp-json/perennial/v1/visitor'), '/shop/wp-json/wc/store/v1/cart');
  assert.equal(cartUrl('/?rest_route=/perennial/v1/visitor'), '/?rest_route=/wc/store/v1/cart');
  assert.equal(cartUrl('/who'), '/wp-json/wc/store/v1/cart');
});

test('the script tag says where the service is', () => {
  const src = 'https://points.example/app/widgets/loader.js?v=2';
  const config = readConfig(src, { store: 's1', scheme: 'sepia' });

  assert.equal(config?.service, 'https://points.example/app');
  assert.equal(config?.scheme, 'light');
  assert.equal(config?.position, 'end');
  assert.equal(readConfig(src, {}), null);
});

test('what the merchant chose goes before the script tag, one by one', () => {
  const said = readConfig('https://points.example/widgets/loader.js', { store: 's1', accent: 'teal', position: 'start' });
  assert.ok(said);
  const look = ({ accent, scheme, position }: typeof said): string => [accent, scheme, position].join(' ');

  assert.equal(look(wearing(said, null)), 'teal light start');
  assert.equal(look(wearing(said, { accent: null, scheme: null, position: null })), 'teal light start');
  assert.equal(look(wearing(said, { accent: '#1a7f5a', scheme: null, position: null })), '#1a7f5a light start');
  assert.equal(look(wearing(said, { accent: null, scheme: 'dark', position: 'end' })), 'teal dark end');
  assert.equal(wearing(said, { accent: '#000', scheme: 'dark', position: 'end' }).service, said.service);
});

test('text on any accent is white or black by luminance, 4.5:1 or more', () => {
  const steps = [0, 51, 102, 153, 204, 255];
  for (const red of steps) for (const green of steps) for (const blue of steps) {
    const light = luminance(red, green, blue);
    const isWhite = follow(light, 'light')['--pn-on-accent'] === '#fff';
    const ratio = isWhite ? 1.05 / (light + 0.05) : (light + 0.05) / 0.05;
    assert.ok(ratio >= 4.5, `${[red, green, blue]}: ${ratio}`);
  }
});
