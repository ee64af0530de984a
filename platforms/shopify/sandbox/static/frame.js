/** The admin's side of the frame: gives the app's pages their tokens, and follows where they go. */

const frame = document.querySelector('iframe');
const app = new URL(frame.src).origin;
const SAID = ['embedded', 'shop', 'host', 'locale', 'timestamp', 'session', 'hmac', 'id_token'];

addEventListener('message', async ({ origin, source, data }) => {
  if (origin !== app || source !== frame.contentWindow) return;
  if (data.ask) {
    const answer = await fetch('/admin/session-token', { method: 'POST' });
    const { token } = await answer.json();
    source.postMessage({ ask: data.ask, token }, app);
  } else if (data.path?.startsWith('/admin/')) {
    const url = new URL(data.path, location);
    for (const name of SAID) url.searchParams.delete(name);
    history.replaceState(null, '', `/admin/apps/perennial${url.pathname.slice(6)}${url.search}${url.hash}`);
  }
});
