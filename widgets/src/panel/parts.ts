/** Pieces that several views are made of. */

import { type Child, h } from '../ui/h.ts';
import { type Shape, icon } from '../ui/icons.ts';

/** Between details; the dot stays with the words before it when a line breaks. */
export const SEPARATOR = '\u00a0· ';

export type Kind = '1' | '2' | '3' | 'invert';

interface Button {
  readonly kind: Kind;
  readonly label: Child;
  /** Keeps the focus on the same button when the view is drawn again. */
  readonly key: string;
  readonly click?: () => void;
  readonly name?: string;
  readonly isWide?: boolean;
  readonly isOff?: boolean;
  /** Sends the form that it is in, as the Enter key does there. */
  readonly isSubmit?: boolean;
}

/** A button; one that is off keeps its focus and does nothing. */
export function button({ kind, label, key, click, name, isWide, isOff, isSubmit }: Button): HTMLButtonElement {
  return h(
    'button',
    {
      type: isSubmit ? 'submit' : 'button',
      class: `pn-btn pn-btn-${kind}${isWide ? ' pn-btn-wide' : ''}`,
      part: kind === '1' || kind === 'invert' ? 'button button-primary' : 'button',
      'data-key': key,
      'aria-label': name,
      'aria-disabled': isOff ? 'true' : null,
      click: () => !isOff && click?.(),
    },
    label,
  );
}

/** A link that looks like a button; nothing when the address is not one of the web. */
export function link(href: string, label: string, kind: Kind, key = 'link'): HTMLAnchorElement | null {
  const isWide = kind === '1' ? ' pn-btn-wide' : '';
  const to = h('a', { href, class: `pn-btn pn-btn-${kind}${isWide}`, part: 'button', 'data-key': key }, label);
  return href && /^https?:$/.test(to.protocol) ? to : null;
}

interface Row {
  readonly shape: Shape;
  readonly title: string;
  readonly detail?: Child;
  readonly end?: Child;
  readonly isOff?: boolean;
  readonly isHeading?: boolean;
  readonly isWrapping?: boolean;
}

/** An icon, a title over a detail, and something at the end. */
export function row({ shape, title, detail, end, isOff, isHeading, isWrapping }: Row): HTMLElement {
  return h(
    'div',
    { class: isWrapping ? 'pn-row is-wrap' : 'pn-row' },
    h('span', { class: isOff ? 'pn-dot is-off' : 'pn-dot' }, icon(shape)),
    h(
      'div',
      { class: 'pn-grow' },
      h(isHeading ? 'h4' : 'p', { class: 'pn-strong' }, title),
      detail && h('p', { class: 'pn-mute pn-num' }, detail),
    ),
    end,
  );
}

/** A list of rows. */
export function list(...rows: HTMLElement[]): HTMLElement {
  return h('ul', { class: 'pn-list' }, ...rows.map((each) => h('li', null, each)));
}

/** A note at the head of a view. */
export function note(shape: Shape, isBad: boolean, ...children: Child[]): HTMLElement {
  return h(
    'div',
    { class: isBad ? 'pn-note is-bad' : 'pn-note', role: isBad ? 'alert' : null },
    icon(shape),
    h('div', null, ...children),
  );
}

/** A view's own title. */
export const title = (text: string): HTMLElement => h('h3', { class: 'pn-hello' }, text);

/** Something that opens to show more. */
export function more(label: string, shape: Shape, key: string, ...children: Child[]): HTMLElement {
  return h(
    'details',
    { class: 'pn-more', 'data-more': key },
    h('summary', { 'data-key': key }, icon(shape), label),
    h('div', { class: 'pn-stack' }, ...children),
  );
}
