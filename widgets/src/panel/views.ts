/** What the panel shows, as a bundle of its own that comes beside the panel's code. */

export { earn } from './earn.ts';
export { guest } from './guest.ts';
export { history } from './history.ts';
export { home } from './home.ts';
export { connection, trouble } from './notes.ts';
export { rewards } from './rewards.ts';
export { nameOfRedemption } from './scene.ts';
