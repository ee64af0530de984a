/**
 * The loyalty panel: a dialog beside the launcher, a sheet on narrow screens.
 *
 * The one idea: whatever changes, the whole view is drawn again from the session's state, and the
 * focus, the scroll position and opened details are given back to what has the same key.
 *
 * @csspart panel, balance, reward, slider, gifts, code, code-text, button, button-primary, tabs
 * @fires close - when the shopper closes it
 */

import type { Session } from '../session.ts';
import { type Child, adopt, h } from '../ui/h.ts';
import { close, clock, earn as earnIcon, gift, home as homeIcon, icon } from '../ui/icons.ts';
import type { Words } from '../ui/words.ts';
import { Cart } from './cart.ts';
import { Claimer } from './claimer.ts';
import { offers, rates } from './offers.ts';
import { type Choice, Redeemer } from './redeem.ts';
import type { MemberScene, Scene, View } from './scene.ts';
import type * as Views from './views.ts';

const TABS = [
  ['home', homeIcon],
  ['earn', earnIcon],
  ['rewards', gift],
  ['history', clock],
] as const;
const FOCUSABLE = 'button, a[href], input, summary, [tabindex="0"]';
const COPIED_MS = 4_000;

/** What the launcher brings: the page's session and words, and where this build's files are. */
export interface Parts {
  readonly session: Session;
  readonly words: Words;
  readonly base: string;
  readonly look: string;
  readonly views: typeof Views;
}

export class PerennialPanel extends HTMLElement {
  isOpen = false;
  readonly #session: Session;
  readonly #words: Words;
  readonly #views: typeof Views;
  readonly #redeemer: Redeemer;
  readonly #cart: Cart;
  readonly #claimer: Claimer;
  readonly #narrow = matchMedia('(max-width: 640px)');
  readonly #title = h('h2', { id: 'title' });
  readonly #body = h('div', { class: 'pn-body', tabindex: 0 });
  readonly #status = h('p', { class: 'pn-sr', role: 'status' });
  readonly #tabs: HTMLElement;
  readonly #panel: HTMLElement;
  #stop = new AbortController();
  #view: View = 'home';
  #copied = '';
  #waiting: ReadonlySet<string> = new Set();
  #pageOverflow = '';

  constructor({ session, words, base, look, views }: Parts) {
    super();
    const draw = (): void => this.#draw();
    this.#session = session;
    this.#words = words;
    this.#views = views;
    this.#redeemer = new Redeemer(session, draw);
    this.#claimer = new Claimer(session, draw);
    this.#cart = new Cart(base, session.config, () => {
      draw();
      this.#sayCart();
    });
    this.#tabs = this.#makeTabs();
    this.#panel = this.#makePanel();
    const root = this.attachShadow({ mode: 'open' });
    adopt(root, look);
    const scrim = h('div', { class: 'pn-scrim', part: 'scrim', click: () => this.close() });
    root.append(h('div', { class: 'pn' }, scrim, this.#panel));
  }

  disconnectedCallback(): void {
    this.#stop.abort();
    if (this.isOpen && this.#narrow.matches) this.#holdPage(false);
    this.isOpen = false;
  }

  /** Show the panel, which is in the page already, and take the focus. */
  open(): void {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.isOpen = true;
    const draw = (): void => this.#draw();
    this.#session.addEventListener('change', draw, { signal });
    for (const event of ['online', 'offline']) addEventListener(event, draw, { signal });
    this.#narrow.addEventListener('change', () => this.#fit(), { signal });
    this.#fit();
    this.#draw();
    this.#panel.querySelector<HTMLElement>('.pn-head button')?.focus();
    void this.#session.refreshIfOld();
  }

  close(): void {
    if (!this.isOpen) return;
    this.remove();
    this.dispatchEvent(new Event('close'));
  }

  #makePanel(): HTMLElement {
    const head = h(
      'div',
      { class: 'pn-head' },
      this.#title,
      h(
        'button',
        { type: 'button', class: 'pn-icon-btn', 'aria-label': this.#words.t('close'), click: () => this.close() },
        icon(close),
      ),
    );
    return h(
      'section',
      {
        class: 'pn-panel',
        part: 'panel',
        role: 'dialog',
        'aria-labelledby': 'title',
        keydown: (event) => this.#keydown(event as KeyboardEvent),
      },
      head,
      this.#body,
      this.#tabs,
      this.#status,
    );
  }

  #makeTabs(): HTMLElement {
    const tabs = TABS.map(([view, shape]) =>
      h(
        'button',
        { type: 'button', 'data-view': view, click: () => this.#go(view) },
        icon(shape),
        h('span', null, this.#words.t(view)),
      ),
    );
    return h('nav', { class: 'pn-tabs', part: 'tabs', 'aria-label': this.#words.t('sections') }, ...tabs);
  }

  /** On narrow screens the panel is modal and the page behind it stays put. */
  #fit(): void {
    const isModal = this.#narrow.matches;
    this.#panel.setAttribute('aria-modal', String(isModal));
    this.#holdPage(isModal);
  }

  #holdPage(isHeld: boolean): void {
    const { style } = document.documentElement;
    if (isHeld) {
      this.#pageOverflow = style.overflow;
      style.overflow = 'hidden';
    } else style.overflow = this.#pageOverflow;
  }

  #keydown(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.close();
    } else if (event.key === 'Tab' && this.#narrow.matches) this.#trap(event);
  }

  #trap(event: KeyboardEvent): void {
    const all = [...this.#panel.querySelectorAll<HTMLElement>(FOCUSABLE)];
    const shown = all.filter((each) => each.getClientRects().length > 0);
    const [edge, other] = event.shiftKey ? [shown[0], shown.at(-1)] : [shown.at(-1), shown[0]];
    if (this.shadowRoot?.activeElement !== edge) return;
    event.preventDefault();
    other?.focus();
  }

  #go(view: View): void {
    this.#view = view;
    this.#redeemer.trouble = null;
    this.#draw();
    this.#body.scrollTop = 0;
  }

  /** Draw what is known. Data that can't be drawn closes the panel rather than break the page. */
  #draw(): void {
    if (!this.isOpen) return;
    try {
      this.#paint();
    } catch {
      this.close();
    }
  }

  #paint(): void {
    const { state, who, config } = this.#session;
    if (!state?.program) return this.close();
    this.#title.textContent = state.program.name;
    this.#panel.classList.toggle('is-fit', who === 'guest');
    this.#panel.setAttribute('aria-busy', String(who === 'unknown' && !this.#session.isStale));
    this.#tabs.hidden = who === 'guest';
    for (const tab of this.#tabs.querySelectorAll('button')) {
      if (tab.dataset['view'] === this.#view) tab.setAttribute('aria-current', 'page');
      else tab.removeAttribute('aria-current');
    }
    this.#fill([
      this.#views.connection({ words: this.#words, session: this.#session }),
      this.#views.trouble(this.#words, this.#redeemer, config.login),
      ...this.#content(),
    ]);
    this.#sayCodes();
    void this.#redeemer.follow(() => this.isOpen);
  }

  #content(): Child[] {
    const scene = this.#scene();
    const { state, who, isStale } = this.#session;
    if (!scene) return [];
    if (who === 'guest') return this.#views.guest(scene);
    if (who === 'member' && state?.visitor) {
      const member: MemberScene = { ...scene, visitor: state.visitor };
      return this.#views[this.#view](member);
    }
    if (isStale) return [];
    return [
      h('p', { class: 'pn-sr', role: 'status' }, this.#words.t('loading')),
      ...[1, 2, 3, 4].map(() => h('div', { class: 'pn-sk' })),
    ];
  }

  #scene(): Scene | null {
    const { state, config } = this.#session;
    if (!state?.program) return null;
    const { store, program } = state;
    return {
      words: this.#words,
      config,
      store,
      program,
      rates: rates(program, store.currency),
      offers: offers(program, store.currency, state.visitor, Date.now()),
      redeemer: this.#redeemer,
      cart: this.#cart,
      claimer: this.#claimer,
      canClaim: state.can_claim,
      isOffline: !navigator.onLine,
      copied: this.#copied,
      go: (view) => {
        this.#go(view);
        this.#body.focus();
      },
      redeem: (reward, choice) => void this.#redeem(reward, choice),
      copy: (code) => void this.#copy(code),
      close: () => this.close(),
    };
  }

  /** Replace the view and give back the focus, the scroll position and what was opened. */
  #fill(children: Child[]): void {
    const active = this.shadowRoot?.activeElement as HTMLElement | null;
    const key = active && this.#body.contains(active) && (active.dataset['key'] ?? '');
    const opened = [...this.#body.querySelectorAll<HTMLElement>('[open]')].map((each) => each.dataset['more']);
    const { scrollTop } = this.#body;
    this.#body.replaceChildren(...children.filter((child): child is Node => child instanceof Node));
    for (const each of this.#body.querySelectorAll<HTMLDetailsElement>('details')) {
      each.open = opened.includes(each.dataset['more']);
    }
    this.#body.scrollTop = scrollTop;
    if (key === null || key === false) return;
    (this.#find(key) ?? this.#body).focus({ preventScroll: true });
  }

  #find(key: string): HTMLElement | null {
    return key ? this.#body.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  }

  async #redeem(reward: string, choice: Choice = {}): Promise<void> {
    this.#view = 'rewards';
    this.#say(this.#words.t('getting'));
    const done = this.#redeemer.redeem(reward, choice);
    this.#body.scrollTop = 0;
    (this.#find('latest') ?? this.#body).focus({ preventScroll: true });
    await done;
    if (this.#redeemer.trouble) {
      this.#body.scrollTop = 0;
      this.#body.focus({ preventScroll: true });
    }
  }

  async #copy(code: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(code);
    } catch {
      const field = h('textarea', { class: 'pn-sr' }, code);
      this.#body.append(field);
      field.select();
      document.execCommand('copy');
      field.remove();
      this.#find(`copy ${code}`)?.focus();
    }
    this.#copied = code;
    this.#say(this.#words.t('copied'));
    this.#draw();
    setTimeout(() => {
      this.#copied = '';
      this.#draw();
    }, COPIED_MS);
  }

  /** Say once that a code which was waited for is there. */
  #sayCodes(): void {
    const scene = this.#scene();
    const redemptions = this.#session.state?.visitor?.redemptions ?? [];
    const ready = redemptions.find(({ id, state }) => state === 'issued' && this.#waiting.has(id));
    this.#waiting = new Set(redemptions.filter(({ state }) => state === 'reserved').map(({ id }) => id));
    if (!scene || !ready) return;
    const reward = this.#views.nameOfRedemption(scene, ready);
    this.#say(this.#words.t('codeIs', { reward }));
  }

  #sayCart(): void {
    if (this.#cart.last === 'applied') this.#say(this.#words.t('applied'));
  }

  #say(text: string): void {
    this.#status.textContent = text;
  }
}

/** Make a panel for this page; defining it twice is harmless. */
export function create(parts: Parts): PerennialPanel {
  if (!customElements.get('perennial-panel')) customElements.define('perennial-panel', PerennialPanel);
  return new PerennialPanel(parts);
}
