/**
 * The one script that a store's page carries: it asks the service whether there is a program and,
 * only then, brings the launcher. If anything fails, the page stays as it was.
 */

import { readConfig } from './config.ts';
import type { mount } from './launcher/launcher.ts';
import { Session } from './session.ts';

/** The folder of this build's other files, put here by the build. */
declare const HASH: string;

async function start(): Promise<void> {
  const script = document.currentScript as HTMLScriptElement | null;
  const config = script && readConfig(script.src, script.dataset);
  if (!config || document.querySelector('perennial-launcher')) return;
  const session = new Session(config);
  if (!(await session.start())) return;
  const base = `${config.service}/widgets/${HASH}/`;
  const launcher = (await import(`${base}launcher.js`)) as { mount: typeof mount };
  await launcher.mount(session, base);
}

// A storefront never breaks because of us: whatever fails here, nothing of ours is drawn.
start().catch(() => undefined);
