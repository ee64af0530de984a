/**
 * Words, numbers, money and dates of one language.
 *
 * Digits are always Latin, as the prices that a store prints are, so that the same number looks
 * the same in the theme and in the widgets.
 */

import type en from '../locales/en.json';

type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
export type Key = keyof typeof en;
export type Messages = Record<Key, string | Plural>;
type Values = Record<string, string | number>;

export const LANGUAGES = ['en', 'pl', 'ja', 'ar'];

/** Choose the locale file for a page's language; English where there is none. */
export function languageOf(lang: string): string {
  const base = lang.toLowerCase().split(/[-_]/)[0] ?? '';
  return LANGUAGES.includes(base) ? base : 'en';
}

/**
 * Choose the locale that numbers and dates follow.
 *
 * The page's own region counts when its language is the one of the words. English without a region
 * is written day first, as most of the world reads it.
 */
export function localeOf(lang: string): string {
  const language = languageOf(lang);
  try {
    const tag = Intl.getCanonicalLocales(lang.replace('_', '-'))[0] ?? '';
    if (tag.startsWith(`${language}-`)) return tag;
  } catch {
    // Not a language tag; the language of the words serves.
  }
  return language === 'en' ? 'en-GB' : language;
}

export class Words {
  readonly locale: string;
  readonly #messages: Messages;
  readonly #plurals: Intl.PluralRules;

  constructor(messages: Messages, lang: string) {
    this.#messages = messages;
    this.locale = localeOf(lang);
    this.#plurals = new Intl.PluralRules(this.locale);
  }

  /** A text; `n` chooses its plural form and is written as a number. */
  t(key: Key, values: Values = {}): string {
    return this.#template(key, values).replace(/\{(\w+)\}/g, (_, name: string) =>
      this.#write(values[name]),
    );
  }

  /** A text whose placeholders may be nodes, as a list to append. */
  parts(key: Key, values: Record<string, Node | string>): (Node | string)[] {
    return this.#template(key, {})
      .split(/\{(\w+)\}/)
      .map((part, index) => (index % 2 ? (values[part] ?? '') : part));
  }

  number(value: number): string {
    return new Intl.NumberFormat(this.locale, { numberingSystem: 'latn' }).format(value);
  }

  /** Points with their sign, the minus as a minus. */
  signed(value: number): string {
    return (value < 0 ? '−' : '+') + this.number(Math.abs(value));
  }

  percent(value: number): string {
    return new Intl.NumberFormat(this.locale, { style: 'percent', numberingSystem: 'latn' }).format(value / 100);
  }

  /** Money in minor units; whole amounts lose their decimals unless `isFull`. */
  money(minor: number, currency: string, isFull = false): string {
    const style = { style: 'currency', currency, currencyDisplay: 'narrowSymbol' } as const;
    const digits =
      new Intl.NumberFormat('en', style).resolvedOptions().maximumFractionDigits ?? 0;
    const amount = minor / 10 ** digits;
    const shown = isFull || !Number.isInteger(amount) ? digits : 0;
    return new Intl.NumberFormat(this.locale, {
      ...style,
      numberingSystem: 'latn',
      minimumFractionDigits: shown,
      maximumFractionDigits: shown,
    }).format(amount);
  }

  /** A day, with its year only when that is not this one. `now` is an input for tests. */
  day(iso: string, now: Date = new Date(), month: 'short' | 'long' = 'short'): string {
    const date = new Date(iso);
    const year = date.getFullYear() === now.getFullYear() ? {} : ({ year: 'numeric' } as const);
    return this.#date(date, { day: 'numeric', month, ...year });
  }

  time(at: number): string {
    return this.#date(new Date(at), { hour: 'numeric', minute: '2-digit' });
  }

  #date(date: Date, options: Intl.DateTimeFormatOptions): string {
    const format = new Intl.DateTimeFormat(this.locale, { numberingSystem: 'latn', ...options });
    // Spaces that don't break: a date stays on one line.
    return Number.isNaN(date.getTime()) ? '' : format.format(date).replaceAll(' ', '\u00a0');
  }

  #template(key: Key, { n }: Values): string {
    const message = this.#messages[key];
    if (typeof message === 'string') return message;
    return message[this.#plurals.select(Number(n ?? 0))] ?? message.other;
  }

  #write(value: string | number | undefined): string {
    return typeof value === 'number' ? this.number(value) : (value ?? '');
  }
}
