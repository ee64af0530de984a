/**
 * Claims what was ordered without signing in: an address, then the code that came to its mailbox.
 *
 * The one idea: what is typed is kept here, since the view may be drawn again at any time.
 */

import type { State } from '../contract.ts';
import type { Session } from '../session.ts';
import { type Child, h } from '../ui/h.ts';
import { check, mail } from '../ui/icons.ts';
import type { Key } from '../ui/words.ts';
import { button, more, note } from './parts.ts';
import { uuid } from './redeem.ts';
import type { Scene } from './scene.ts';

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

export function claim({ words, canClaim, claimer }: Scene): Child[] {
  if (!canClaim) return [];
  const { step, email } = claimer;
  const address = h('bdi', null, email);
  if (step === 'done') {
    return [note(check, false, h('p', { role: 'status' }, ...words.parts('claimDone', { email: address })))];
  }
  const isAsking = step === 'email';
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const root = form.getRootNode() as ShadowRoot;
    await claimer.go(words.locale);
    root.querySelector<HTMLElement>('[data-key="claim field"]')?.focus();
  };
  const form = h(
    'form',
    { class: 'pn-stack', novalidate: true, submit },
    field(step, claimer, words.t(isAsking ? 'claimEmail' : 'claimCode')),
    claimer.trouble && h('p', { class: 'pn-err', id: 'claim-err', role: 'alert' }, words.t(claimer.trouble)),
    button({
      kind: '1',
      key: 'claim go',
      label: words.t(isAsking ? 'claimSend' : 'claimTake'),
      isOff: claimer.isSending,
      isSubmit: true,
      isWide: true,
    }),
  );
  const again = (): void => claimer.again();
  return [
    more(
      words.t('claimTitle'),
      mail,
      'claim',
      h(
        'p',
        { class: 'pn-mute', role: 'status' },
        ...words.parts(isAsking ? 'claimLead' : 'claimSent', { email: address }),
      ),
      form,
      !isAsking && button({ kind: '3', key: 'claim again', label: words.t('claimAgain'), click: again }),
    ),
  ];
}

function field(name: 'email' | 'code', claimer: Claimer, label: string): HTMLElement {
  const isEmail = name === 'email';
  const id = `claim-${name}`;
  const input = h('input', {
    id,
    class: 'pn-input',
    'data-key': 'claim field',
    type: isEmail ? 'email' : 'text',
    autocomplete: isEmail ? 'email' : 'one-time-code',
    autocapitalize: isEmail ? 'off' : 'characters',
    spellcheck: 'false',
    maxlength: isEmail ? 320 : 16,
    dir: 'ltr',
    readonly: claimer.isSending,
    'aria-invalid': claimer.trouble ? 'true' : null,
    'aria-describedby': claimer.trouble ? 'claim-err' : null,
    input: () => claimer.type(name, input.value),
  });
  input.value = claimer[name];
  return h('div', { class: 'pn-field' }, h('label', { for: id }, label), input);
}
