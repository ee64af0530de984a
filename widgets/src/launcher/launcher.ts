/**
 * The button that opens the panel, with the points beside its name.
 *
 * It brings the panel's code when somebody reaches for the button or the page is idle.
 *
 * @csspart launcher - the button
 * @fires perennial:open, perennial:close - on document
 */

import type { create, PerennialPanel } from '../panel/panel.ts';
import type * as Views from '../panel/views.ts';
import type { Session } from '../session.ts';
import base from '../theme/base.css';
import { dress } from '../theme/dress.ts';
import tokens from '../theme/tokens.css';
import { adopt, h } from '../ui/h.ts';
import { bloom, icon } from '../ui/icons.ts';
import { type Messages, languageOf, Words } from '../ui/words.ts';
import { type Seen, arrivals } from './arrivals.ts';
import css from './launcher.css';
import { watch } from './watch.ts';

const IDLE_MS = 4_000;

interface Look {
  readonly default: string;
}

interface PanelModule {
  readonly create: typeof create;
}

export class PerennialLauncher extends HTMLElement {
  session!: Session;
  words!: Words;
  /** Where this build's other files are. */
  base = '';
  readonly #stop = new AbortController();
  readonly #number = h('span', { class: 'pn-num' });
  readonly #status = h('p', { class: 'pn-sr', role: 'status' });
  #button!: HTMLButtonElement;
  #panel: PerennialPanel | null = null;
  #opening: Promise<PerennialPanel> | null = null;
  #seen: Seen | null = null;

  connectedCallback(): void {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: 'open', delegatesFocus: true });
    adopt(root, tokens + base + css);
    this.#button = h(
      'button',
      {
        type: 'button',
        class: 'pn-launcher',
        part: 'launcher',
        'aria-haspopup': 'dialog',
        'aria-expanded': 'false',
        click: () => void this.#toggle(),
        pointerenter: () => this.#prepare(),
        focus: () => this.#prepare(),
      },
      icon(bloom),
      h('span', null, this.words.t('rewards')),
      this.#number,
    );
    root.append(h('div', { class: 'pn' }, this.#button, this.#status));
    this.#listen();
    this.#draw();
    void watch(this.session, this.#stop.signal);
  }

  disconnectedCallback(): void {
    this.#stop.abort();
    this.#panel?.remove();
  }

  #listen(): void {
    const { signal } = this.#stop;
    this.session.addEventListener('change', () => this.#draw(), { signal });
    const look = (): void => {
      if (document.visibilityState === 'visible') void this.session.refreshIfOld();
    };
    document.addEventListener('visibilitychange', look, { signal });
    addEventListener('online', () => void this.session.refresh(), { signal });
    const whenIdle = globalThis.requestIdleCallback ?? ((run: () => void) => setTimeout(run, IDLE_MS));
    const later = (): unknown => whenIdle(() => this.#prepare(), { timeout: IDLE_MS });
    if (document.readyState === 'complete') later();
    else addEventListener('load', later, { signal });
  }

  /** Take the look, show the points, and say once what came since the panel was last looked at. */
  #draw(): void {
    const { state, who, config } = this.session;
    if (!state?.program) return this.remove(); // the program has ended
    dress(this, config);
    if (this.#panel) dress(this.#panel, config);
    const visitor = who === 'member' ? state.visitor : null;
    this.#number.hidden = !visitor;
    this.#number.replaceChildren();
    if (!visitor) return;
    const { available } = visitor;
    this.#number.append(
      h('span', { 'aria-hidden': 'true' }, this.words.number(available)),
      h('span', { class: 'pn-sr' }, this.words.t('points', { n: available })),
    );
    const news = this.#seen && !this.#panel?.isOpen ? arrivals(this.#seen, visitor) : null;
    if (news) this.#status.textContent = this.words.t(news.key, { n: news.points });
    this.#seen = visitor;
  }

  #prepare(): void {
    this.#load().catch(() => undefined);
  }

  /** Bring the panel's code and its style sheet; a failure may be tried again. */
  #load(): Promise<PerennialPanel> {
    this.#opening ??= this.#bring();
    this.#opening.catch(() => (this.#opening = null));
    return this.#opening;
  }

  async #bring(): Promise<PerennialPanel> {
    const { session, words, base } = this;
    const files = ['panel', 'look', 'views'].map((name) => import(`${base}${name}.js`));
    const [panel, look, views] = (await Promise.all(files)) as [PanelModule, Look, typeof Views];
    return panel.create({ session, words, base, look: look.default, views });
  }

  async #toggle(): Promise<void> {
    try {
      if (!this.#panel) {
        this.#panel = await this.#load();
        this.#panel.addEventListener('close', () => this.#closed(), { signal: this.#stop.signal });
      }
      if (this.#panel.isOpen) return this.#panel.close();
      this.after(this.#panel);
      dress(this.#panel, this.session.config);
      this.#panel.open();
      this.#status.textContent = '';
      this.#button.setAttribute('aria-expanded', 'true');
      document.dispatchEvent(new CustomEvent('perennial:open'));
    } catch {
      this.remove(); // a button that does nothing is worse than none
    }
  }

  #closed(): void {
    this.#button.setAttribute('aria-expanded', 'false');
    this.#button.focus();
    document.dispatchEvent(new CustomEvent('perennial:close'));
  }
}

/** Draw the launcher at the end of the page, in the page's language. */
export async function mount(session: Session, base: string): Promise<void> {
  const lang = document.documentElement.lang || 'en';
  const locale = (await import(`${base}${languageOf(lang)}.js`)) as { default: Messages };
  if (!customElements.get('perennial-launcher')) {
    customElements.define('perennial-launcher', PerennialLauncher);
  }
  const launcher = document.createElement('perennial-launcher') as PerennialLauncher;
  Object.assign(launcher, { session, base, words: new Words(locale.default, lang) });
  document.body.append(launcher);
}
