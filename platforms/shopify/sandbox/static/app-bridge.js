/**
 * A stand-in for Shopify's App Bridge, as far as an app's pages see it: requests to the app's own
 * origin are signed, the admin's address bar follows, and a page that has no token gets one. Tokens
 * come from the admin's page around the frame, by messages, as a frame has no cookies.
 * (shopify.dev: /docs/api/app-bridge-library)
 */

(() => {
  const key = document.currentScript.dataset.apiKey;
  const admin = new URL(document.currentScript.src).origin;
  const waiting = new Map();
  let asked = 0;

  addEventListener('message', ({ origin, source, data }) => {
    if (origin !== admin || source !== parent) return;
    waiting.get(data.ask)?.(data.token);
    waiting.delete(data.ask);
  });

  function idToken() {
    asked += 1;
    parent.postMessage({ ask: asked, key }, admin);
    return new Promise((resolve) => {
      waiting.set(asked, resolve);
    });
  }

  const plain = window.fetch;

  async function signed(request) {
    const again = request.clone();
    again.headers.set('Authorization', `Bearer ${await idToken()}`);
    return plain(again);
  }

  window.fetch = async (what, how) => {
    const request = new Request(what, how);
    if (new URL(request.url).origin !== location.origin) return plain(request);
    const answer = await signed(request);
    const isOld = answer.status === 401 && answer.headers.has('X-Shopify-Retry-Invalid-Session-Request');
    return isOld ? signed(request) : answer;
  };

  function tell() {
    parent.postMessage({ path: location.pathname + location.search + location.hash }, admin);
  }

  for (const name of ['pushState', 'replaceState']) {
    const change = history[name].bind(history);
    history[name] = (...given) => {
      change(...given);
      tell();
    };
  }

  window.shopify = { idToken };
  const back = new URL(new URLSearchParams(location.search).get('shopify-reload') ?? location, location);
  if (back.href !== location.href && back.origin === location.origin) {
    idToken().then((token) => {
      back.searchParams.set('id_token', token);
      location.replace(back);
    });
  }
})();
