/**
 * Applies a code to the shopper's WooCommerce cart, through the store's own Store API.
 *
 * Source: https://developer.woocommerce.com/docs/apis/store-api/resources-endpoints/cart/
 */

import type { Config } from '../config.ts';
import { ask } from '../session.ts';

export interface Applied {
  readonly isApplied: boolean;
  /** The store's own words about a refusal, as plain text; empty when it said nothing. */
  readonly message: string;
}

interface Cart {
  readonly coupons?: readonly { readonly code: string }[];
  readonly message?: unknown;
}

/** Find the cart beside the visitor's address, so that a store in a folder works too. */
export function cartUrl(visitor: string): string {
  const own = 'perennial/v1/visitor';
  return visitor.includes(own)
    ? visitor.replace(own, 'wc/store/v1/cart')
    : '/wp-json/wc/store/v1/cart';
}

/** Turn a message with entities and tags into text. The parsed document is never shown. */
function plain(message: unknown): string {
  if (typeof message !== 'string') return '';
  const parsed = new DOMParser().parseFromString(message, 'text/html');
  return parsed.body.textContent?.trim() ?? '';
}

/** A page that prints the cart's sums must be read again to print the new ones. */
function reloadIfSummed(): void {
  const { classList } = document.body;
  const isSummed = ['woocommerce-cart', 'woocommerce-checkout'].some((name) => classList.contains(name));
  if (isSummed || document.querySelector('[data-pn-reload]')) location.reload();
}

/** Apply a code; never throws. A code that is in the cart already counts as applied. */
export async function apply(code: string, config: Config): Promise<Applied> {
  const url = cartUrl(config.visitor);
  const cart = await ask(url, { credentials: 'same-origin' });
  const coupons = (cart.body as Cart | null)?.coupons ?? [];
  if (coupons.some((coupon) => coupon.code.toLowerCase() === code.toLowerCase())) {
    return { isApplied: true, message: '' };
  }
  const answer = await ask(url.replace('/v1/cart', '/v1/cart/apply-coupon'), {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json', Nonce: cart.headers.get('Nonce') ?? '' },
    body: JSON.stringify({ code }),
  });
  if (answer.status !== 200 && answer.status !== 201) {
    return { isApplied: false, message: plain((answer.body as Cart | null)?.message) };
  }
  document.dispatchEvent(new CustomEvent('perennial:applied', { detail: { code } }));
  document.body.dispatchEvent(new Event('wc_fragment_refresh')); // classic themes' small cart
  reloadIfSummed();
  return { isApplied: true, message: '' };
}
