/**
 * Points come a moment after an order is paid, when the store has told the service. So the page
 * that thanks for an order asks again, less and less often, until they are there.
 */

import type { Visitor } from '../contract.ts';
import type { Session } from '../session.ts';
import { arrivals } from './arrivals.ts';

/** What WooCommerce's themes write there, and what any other page may. */
const ORDERED = 'body.woocommerce-order-received, [data-pn-ordered]';
const WAITS_MS = [1000, 2000, 3000, 5000, 8000, 15_000];

/** Follow a fresh order's points until they came; does nothing on other pages or for guests. */
export async function watch(session: Session, signal: AbortSignal): Promise<void> {
  if (!document.querySelector(ORDERED)) return;
  for (const wait of WAITS_MS) {
    await new Promise((done) => setTimeout(done, wait));
    if (signal.aborted || session.who === 'guest') return;
    const before = visitorOf(session);
    await session.refresh();
    const now = visitorOf(session);
    if (before && now && arrivals(before, now)) return;
  }
}

const visitorOf = (session: Session): Visitor | null | undefined => session.state?.visitor;
