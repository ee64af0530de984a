/**
 * Who is here and what the service last said about them. Times are in milliseconds.
 *
 * The one idea: the public part is asked for at once and the store's sign-in answer beside it, so
 * a slow store never holds back the launcher. Nothing is kept beyond this page's memory, and no
 * method throws: what went wrong is in the answer or in `who` and `isStale`.
 */

import { type Config, wearing } from './config.ts';
import type { Look, State } from './contract.ts';

/** `unknown`: not told yet, or told but their points could not be read. */
export type Who = 'unknown' | 'guest' | 'member';

/** A status of 0 means that no answer came. */
export interface Answer {
  status: number;
  body: unknown;
}

interface VisitorToken {
  token: string;
  expires_in: number;
}

const TIMEOUT_MS = 5_000;
const REFRESH_MS = 30_000;
const RENEW_EARLY_MS = 30_000;

/** Fetch JSON within five seconds; never throws. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer & { headers: Headers }> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(url, { ...init, signal: stop.signal });
    const text = await response.text();
    const body: unknown = text && JSON.parse(text);
    return { status: response.status, body, headers: response.headers };
  } catch {
    return { status: 0, body: null, headers: new Headers() };
  } finally {
    clearTimeout(timer);
  }
}

export class Session extends EventTarget {
  state: State | null = null;
  who: Who = 'unknown';
  /** The last refresh failed, so `state` is from `loadedAt`. */
  isStale = false;
  loadedAt = 0;
  /** As the script tag says, but for what the merchant chose. */
  config: Config;
  /** What a merchant tries out in the preview, in place of what was chosen. */
  tried: Look | null = null;
  readonly #said: Config;
  #token = '';
  #tokenUntil = 0;
  #triedAt = 0;

  constructor(config: Config) {
    super();
    this.config = config;
    this.#said = config;
  }

  /** Load the public part and the visitor's; answers whether there is a program to show. */
  async start(): Promise<boolean> {
    this.#triedAt = Date.now();
    const identified = this.#identify();
    const { status, body } = await this.#call('');
    if (status !== 200) return false;
    this.#take(body as State);
    if (!this.state?.program) return false;
    void identified.then((isKnown) => (isKnown ? this.refresh() : this.#settle('guest')));
    return true;
  }

  /** Ask again when the last try is older than half a minute. */
  async refreshIfOld(): Promise<void> {
    if (Date.now() - this.#triedAt > REFRESH_MS) await this.refresh();
  }

  /** Ask for the state again. A failure keeps what is known and says so in `isStale`. */
  async refresh(): Promise<void> {
    this.#triedAt = Date.now();
    const { status, body } = await this.send('state');
    if (status === 200) this.accept(body as State);
    else {
      this.isStale = true;
      this.#changed();
    }
  }

  /** Take a state that an answer brought. */
  accept(state: State): void {
    this.#take(state);
    this.#settle(state.visitor ? 'member' : 'guest');
  }

  /** Call the service as the visitor; on a 401 the token is renewed once. */
  async send(path: string, init: RequestInit = {}): Promise<Answer> {
    if (Date.now() > this.#tokenUntil) await this.#identify();
    const answer = await this.#call(this.#token, path, init);
    if (answer.status !== 401 || !(await this.#identify())) return answer;
    return this.#call(this.#token, path, init);
  }

  #call(token: string, path = 'state', init: RequestInit = {}): Promise<Answer> {
    const { service, store } = this.config;
    const headers = { ...init.headers, ...(token && { Authorization: `Bearer ${token}` }) };
    const url = `${service}/storefront/v1/${path}?store=${encodeURIComponent(store)}`;
    return ask(url, { ...init, headers, credentials: 'same-origin' }); // only our own preview has cookies of ours
  }

  /** Ask the store who this is. Anything but a token means a guest. */
  async #identify(): Promise<boolean> {
    this.#token = '';
    const { visitor } = this.config;
    if (!visitor) return false;
    const { status, body } = await ask(visitor, { method: 'POST', credentials: 'same-origin' });
    if (status !== 200 || !body) return false;
    const { token, expires_in } = body as VisitorToken;
    this.#token = token;
    this.#tokenUntil = Date.now() + expires_in * 1000 - RENEW_EARLY_MS;
    return true;
  }

  #take(state: State): void {
    this.state = state;
    this.config = wearing(this.#said, this.tried ?? state.look);
    this.loadedAt = Date.now();
    this.isStale = false;
  }

  #settle(who: Who): void {
    this.who = who;
    this.#changed();
  }

  #changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}
