/**
 * Claims what was ordered without signing in: an address, then the code that came to its mailbox.
 *
 * The one idea: what is typed is kept here, since the view may be drawn again at any time.
 */

import type { State } from '../contract.ts';
import type { Session } from '../session.ts';
import type { Key } from '../ui/words.ts';
import { uuid } from './redeem.ts';

const TROUBLES: Record<string, Key> = {
  'request-invalid': 'errEmail',
  'code-unknown': 'errCode',
  'mailbox-taken': 'errTaken',
  'rate-limited': 'errRate',
  'visitor-unknown': 'errVisitor',
};

export class Claimer {
  step: 'email' | 'code' | 'done' = 'email';
  email = '';
  code = '';
  isSending = false;
  trouble: Key | null = null;
  readonly #session: Session;
  readonly #changed: () => void;
  /** One for each code that is asked for, so that a lost answer brings no second mail. */
  #key = uuid();

  constructor(session: Session, changed: () => void) {
    this.#session = session;
    this.#changed = changed;
  }

  /** Have a code mailed or, once that is done, hand it in. */
  async go(locale: string): Promise<void> {
    if (this.isSending) return;
    this.isSending = true;
    this.trouble = null;
    this.#changed();
    const { email, code } = this;
    const isAsking = this.step === 'email';
    const { status, body } = await this.#session.send('claims', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': isAsking ? this.#key : uuid(),
        'X-Perennial': '1',
      },
      body: JSON.stringify(isAsking ? { email, locale } : { email, code }),
    });
    this.isSending = false;
    if (status === 201 || status === 202) {
      this.step = isAsking ? 'code' : 'done';
      this.#session.accept(body as State);
    } else {
      this.trouble = TROUBLES[String((body as { code?: unknown } | null)?.code)] ?? 'errClaim';
      this.#changed();
    }
  }

  /** Keep what is typed; another address is another request. */
  type(name: 'email' | 'code', text: string): void {
    this[name] = text;
    if (name === 'email') this.#key = uuid();
  }

  /** Begin again, with another address or for another code. */
  again(): void {
    this.step = 'email';
    this.code = '';
    this.trouble = null;
    this.#key = uuid();
    this.#changed();
  }
}
