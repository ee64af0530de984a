/** Where each code stands with the shopper's cart, and what brings it there. */

import type { Config } from '../config.ts';
import type { Applied } from '../platforms/woocommerce.ts';

export type InCart = 'applying' | 'applied' | { readonly message: string };

/** The platforms whose carts take a code; each is a bundle of that name with an `apply`. */
const PLATFORMS = new Set(['woocommerce']);

type Apply = (code: string, config: Config) => Promise<Applied>;

export class Cart {
  /** Whether codes can be applied from here at all. */
  readonly isKnown: boolean;
  /** What changed last, for the live region. */
  last: InCart | null = null;
  readonly #codes = new Map<string, InCart>();
  readonly #bring: () => Promise<{ apply: Apply }>;
  readonly #config: Config;
  readonly #changed: () => void;

  constructor(base: string, config: Config, changed: () => void) {
    this.isKnown = PLATFORMS.has(config.platform);
    this.#bring = () => import(`${base}${config.platform}.js`) as Promise<{ apply: Apply }>;
    this.#config = config;
    this.#changed = changed;
  }

  of(code: string): InCart | undefined {
    return this.#codes.get(code);
  }

  async apply(code: string): Promise<void> {
    if (this.#codes.get(code) === 'applying') return;
    this.#set(code, 'applying');
    try {
      const { apply } = await this.#bring();
      const { isApplied, message } = await apply(code, this.#config);
      this.#set(code, isApplied ? 'applied' : { message });
    } catch {
      this.#set(code, { message: '' });
    }
  }

  #set(code: string, where: InCart): void {
    this.#codes.set(code, where);
    this.last = where;
    this.#changed();
  }
}
