/** What stands above a view when something isn't as it should be. */

import type { Session } from '../session.ts';
import { type Child, h } from '../ui/h.ts';
import { alert, info, offline } from '../ui/icons.ts';
import type { Words } from '../ui/words.ts';
import { button, link, note } from './parts.ts';
import type { Redeemer } from './redeem.ts';

/** The shopper is offline, or what is shown could not be read again. */
export function connection({ words, session }: { words: Words; session: Session }): Child {
  const time = words.time(session.loadedAt);
  if (!navigator.onLine) return note(offline, false, h('p', null, words.t('offline', { time })));
  if (!session.isStale) return null;
  const text = session.who === 'unknown' ? words.t('unreachable') : words.t('stale', { time });
  const click = (): void => void session.refresh();
  const retry = button({ kind: '3', key: 'refresh', label: words.t('retry'), click });
  return note(info, false, h('p', null, text), retry);
}

/** A redemption that was refused, or whose answer never came. */
export function trouble(words: Words, redeemer: Redeemer, login: string): Child {
  const what = redeemer.trouble;
  if (!what) return null;
  const text = words.t(what.key) + (what.isRefused ? ` ${words.t('untouched')}` : '');
  const click = (): void => void redeemer.retry();
  return note(
    alert,
    true,
    h('p', null, text),
    what.canRetry && button({ kind: '3', key: 'retry', label: words.t('retry'), click }),
    what.needsSignIn && link(login, words.t('signIn'), '3'),
  );
}
