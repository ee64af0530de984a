import assert from 'node:assert/strict';
import test from 'node:test';
import ar from '../src/locales/ar.json';
import en from '../src/locales/en.json';
import ja from '../src/locales/ja.json';
import pl from '../src/locales/pl.json';
import { LANGUAGES, type Messages, Words, languageOf, localeOf } from '../src/ui/words.ts';

const all: Record<string, Messages> = { en, pl, ja, ar };
const words = (lang: string): Words => new Words(all[languageOf(lang)] as Messages, lang);
const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

test('a page language chooses its words, English where there are none', () => {
  assert.deepEqual(['pl-PL', 'ar', 'de-AT', '', 'EN_us'].map(languageOf), ['pl', 'ar', 'en', 'en', 'en']);
  assert.deepEqual(['en', 'en-US', 'de', 'pl-PL', 'ja'].map(localeOf), ['en-GB', 'en-US', 'en-GB', 'pl-PL', 'ja']);
});

test('plural forms follow the language', () => {
  assert.deepEqual([1, 2, 5, 22].map((n) => words('pl').t('points', { n })), [
    '1 punkt', '2 punkty', '5 punktów', '22 punkty',
  ]);
  assert.deepEqual([1, 2, 3, 11].map((n) => words('ar').t('points', { n })), [
    'نقطة واحدة', 'نقطتان', '3 نقاط', '11 نقطة',
  ]);
  assert.equal(words('en').t('points', { n: 1 }), '1 point');
});

test('money follows the currency, and whole amounts are short', () => {
  const { money } = Words.prototype;
  const english = words('en');
  assert.equal(money.call(english, 500, 'EUR'), '€5');
  assert.equal(money.call(english, 550, 'EUR'), '€5.50');
  assert.equal(money.call(english, 2000, 'EUR', true), '€20.00');
  assert.equal(money.call(english, 500, 'JPY'), '¥500');
  assert.match(money.call(english, 1500, 'KWD'), /1\.500$/);
});

test('numbers are grouped, signs are real and digits are Latin', () => {
  assert.equal(words('en').number(12_345_678), '12,345,678');
  assert.equal(words('en').signed(-500), '−500');
  assert.equal(words('ar').number(1240), '1,240');
});

test('a day stays on one line and says its year only when that is another one', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  assert.equal(words('en').day('2026-12-04T12:00:00Z', now), '4\u00a0Dec');
  assert.equal(words('en').day('2027-05-04T12:00:00Z', now), '4\u00a0May\u00a02027');
  assert.equal(words('en').day('not a date', now), '');
});

test('parts keep what is bold apart', () => {
  assert.deepEqual(words('en').parts('towards', { points: '5 points', reward: '€5 off' }), [
    '', '5 points', ' to ', '€5 off', '',
  ]);
});

for (const language of LANGUAGES) {
  test(`${language} has every text with its placeholders and every plural form`, () => {
    const messages = all[language] as Messages;
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    assert.deepEqual(Object.keys(messages), Object.keys(en));
    for (const [key, message] of Object.entries(messages)) {
      const source = en[key as keyof typeof en] as Messages[keyof Messages];
      assert.equal(typeof message, typeof source, key);
      if (typeof message === 'string') {
        assert.deepEqual(placeholders(message), placeholders(source as string), key);
      } else {
        assert.deepEqual(forms.filter((form) => !(form in message)), [], key);
        assert.deepEqual(
          placeholders(message.other),
          placeholders((source as { other: string }).other),
          key,
        );
      }
    }
  });
}
