/** Claiming what was ordered without signing in, as a form of one field at a time. */

import { type Child, h } from '../ui/h.ts';
import { check, mail } from '../ui/icons.ts';
import type { Claimer } from './claimer.ts';
import { button, more, note } from './parts.ts';
import type { Scene } from './scene.ts';

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
