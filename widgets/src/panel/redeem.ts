/**
 * Redeems a reward and follows it until its code is there.
 *
 * The one idea: an intended redemption has one idempotency key, and every retry reuses it, so an
 * answer that was lost can be asked for again without paying twice.
 */

import type { Redemption, State } from '../contract.ts';
import type { Session } from '../session.ts';
import type { Key } from '../ui/words.ts';

/** What to tell the shopper about a redemption that has no good answer. */
export interface Trouble {
  readonly key: Key;
  /** A definite refusal: no points were taken. */
  readonly isRefused: boolean;
  readonly canRetry: boolean;
  readonly needsSignIn: boolean;
}

/** What a shopper says of a reward: how many points, or which product of several. */
export interface Choice {
  readonly points?: number;
  readonly product?: string | undefined;
}

interface Intent {
  readonly reward: string;
  readonly choice: Choice;
  readonly key: string;
  readonly known: ReadonlySet<string>;
}

const WAITS_MS = [500, 1000, ...Array<number>(9).fill(2000)];
const CODES: Record<string, Key> = {
  'insufficient-points': 'errPoints',
  'reward-unavailable': 'errReward',
  'reward-sold-out': 'errSoldOut',
  'visitor-unknown': 'errVisitor',
  'rate-limited': 'errRate',
  'not-ready': 'errNotReady',
};

/** Read a refusal. Only a 4xx says for sure that nothing was taken. */
export function troubleOf(status: number, code: unknown): Trouble {
  const isRefused = status >= 400 && status < 500;
  const key = CODES[String(code)] ?? (isRefused ? 'errRefused' : 'errUnsure');
  return {
    key,
    isRefused,
    canRetry: !isRefused || key === 'errRate' || key === 'errRefused',
    needsSignIn: key === 'errVisitor',
  };
}

/** A random UUID, also where the page is not a secure context. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

export class Redeemer {
  /** The reward whose redemption is on its way to the service. */
  sending: string | null = null;
  trouble: Trouble | null = null;
  /** The redemption that this page asked for last. */
  latest: string | null = null;
  /** What was chosen last, by the reward, since the view may be drawn again at any time. */
  readonly chosen = new Map<string, Choice>();
  readonly #session: Session;
  readonly #changed: () => void;
  #intent: Intent | null = null;
  #isFollowing = false;
  #gaveUp = '';

  constructor(session: Session, changed: () => void) {
    this.#session = session;
    this.#changed = changed;
  }

  async redeem(reward: string, choice: Choice): Promise<void> {
    if (this.sending) return;
    const known = new Set(this.#redemptions().map(({ id }) => id));
    this.#intent = { reward, choice, key: uuid(), known };
    await this.retry();
  }

  /** Send the intended redemption again, under the same key. */
  async retry(): Promise<void> {
    const intent = this.#intent;
    if (!intent || this.sending) return;
    this.sending = intent.reward;
    this.trouble = null;
    this.#changed();
    const { status, body } = await this.#session.send('redemptions', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': intent.key,
        'X-Perennial': '1',
      },
      body: JSON.stringify({ reward: intent.reward, ...intent.choice }),
    });
    if (status === 200 || status === 201) this.#session.accept(body as State);
    else await this.#refused(status, (body as { code?: unknown } | null)?.code);
    this.latest = this.#found(intent)?.id ?? this.latest;
    this.sending = null;
    this.#changed();
  }

  /** Ask for the state until no redemption waits for its code, for about twenty seconds. */
  async follow(isWanted: () => boolean): Promise<void> {
    const waiting = this.#waiting();
    if (this.#isFollowing || !waiting || waiting === this.#gaveUp) return;
    this.#isFollowing = true;
    for (const wait of WAITS_MS) {
      await new Promise((done) => setTimeout(done, wait));
      if (!isWanted() || !this.#waiting()) break;
      await this.#session.refresh();
    }
    this.#isFollowing = false;
    if (!isWanted()) return;
    this.#gaveUp = this.#waiting();
    if (this.#gaveUp) this.#changed();
  }

  /** A code has been waited for longer than is usual. */
  get isSlow(): boolean {
    return this.#gaveUp !== '' && this.#gaveUp === this.#waiting();
  }

  /** After a doubtful answer the state tells whether it went through after all. */
  async #refused(status: number, code: unknown): Promise<void> {
    const trouble = troubleOf(status, code);
    if (trouble.key !== 'errRate') await this.#session.refresh();
    if (trouble.isRefused || !this.#intent || !this.#found(this.#intent)) this.trouble = trouble;
  }

  #found({ reward, known }: Intent): Redemption | undefined {
    return this.#redemptions().find(({ id, reward_id }) => reward_id === reward && !known.has(id));
  }

  /** The redemptions that wait for their code, as one string to compare. */
  #waiting(): string {
    const waiting = this.#redemptions().filter(({ state }) => state === 'reserved');
    return waiting.map(({ id }) => id).join();
  }

  #redemptions(): Redemption[] {
    return this.#session.state?.visitor?.redemptions ?? [];
  }
}
