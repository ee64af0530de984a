/**
 * Inside a platform's admin each page is fetched, as only what is fetched is signed by the platform's
 * script. What was fetched takes the place of the page that is there.
 */

const OURS = ['id_token', 'tried', 'perennial_toast'];

let here = page(location);

function page(url) {
  return url.pathname + url.search;
}

function clean(address) {
  const url = new URL(address, location.href);
  for (const name of OURS) url.searchParams.delete(name);
  return url;
}

function save(blob, told) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = /filename="([^"]+)"/.exec(told)?.[1] ?? '';
  link.click();
  URL.revokeObjectURL(link.href);
}

function show(text, url) {
  const next = new DOMParser().parseFromString(text, 'text/html');
  document.title = next.title;
  document.documentElement.lang = next.documentElement.lang;
  document.documentElement.dir = next.documentElement.dir;
  const first = next.querySelector('[autofocus]') ?? next.querySelector('h1');
  first?.removeAttribute('autofocus');
  document.body.replaceWith(next.body);
  const place = url.hash ? document.getElementById(decodeURIComponent(url.hash.slice(1))) : null;
  if (first?.tabIndex < 0) first.tabIndex = -1; // a heading takes the focus, too
  first?.focus({ preventScroll: true });
  if (place) place.scrollIntoView();
  else scrollTo(0, 0);
}

async function go(address, options, keep) {
  document.body.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(address, { ...options, headers: { Accept: 'text/html', ...options?.headers } });
    const told = answer.headers.get('content-disposition');
    if (told?.startsWith('attachment')) {
      document.body.removeAttribute('aria-busy');
      save(await answer.blob(), told);
      return;
    }
    const url = clean(answer.url);
    url.hash = new URL(address, location.href).hash || url.hash;
    show(await answer.text(), url);
    if (!keep) history.pushState(null, '', url);
    here = page(url);
  } catch {
    document.body.removeAttribute('aria-busy');
    document.getElementById('failed')?.removeAttribute('hidden');
  }
}

function isOurs(url) {
  return url.origin === location.origin && url.pathname.startsWith('/admin/');
}

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[href]');
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const url = new URL(link.href);
  if (!isOurs(url)) {
    link.target = '_blank';
    link.rel = 'noopener';
    return;
  }
  if (url.hash && url.pathname === location.pathname && url.search === location.search) return;
  event.preventDefault();
  go(url);
});

document.addEventListener('submit', (event) => {
  const { target: form, submitter } = event;
  // by attributes: a button without one says where it is, and fields may be called "action"
  const asked = (name) => submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name);
  const url = new URL(asked('action') ?? '', location.href);
  if (event.defaultPrevented || !isOurs(url)) return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form, submitter));
  if ((asked('method') ?? 'get') === 'get') {
    url.search = fields;
    go(url);
  } else {
    go(url, { method: 'POST', body: fields });
  }
});

addEventListener('popstate', () => {
  if (page(location) !== here) go(location.href, {}, true);
});
history.replaceState(null, '', clean(location.href));
here = page(location);
