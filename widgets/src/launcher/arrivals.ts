/** What came to a balance between two looks at it. Pure. */

export interface Seen {
  readonly available: number;
  readonly pending: number;
}

export interface News {
  readonly key: 'arrived' | 'coming';
  readonly points: number;
}

/** Say what arrived; points that can be spent count before points on the way. */
export function arrivals(before: Seen, now: Seen): News | null {
  if (now.available > before.available) {
    return { key: 'arrived', points: now.available - before.available };
  }
  if (now.pending > before.pending) return { key: 'coming', points: now.pending - before.pending };
  return null;
}
