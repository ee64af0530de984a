/** What the panel shows, as a bundle of its own that comes beside the panel's code. */

export { Claimer } from './claim.ts';
export { earn } from './earn.ts';
export { guest } from './guest.ts';
export { history } from './history.ts';
export { home } from './home.ts';
export { connection, trouble } from './notes.ts';
export { offers, rates } from './offers.ts';
export { rewards } from './rewards.ts';
export { nameOfRedemption } from './scene.ts';
