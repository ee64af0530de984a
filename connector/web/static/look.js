/**
 * Has the widgets in the preview try on what the form says, as it is chosen; without this script
 * a button does so.
 */

const [form, accent, scheme, position, picker, show] = ['look', 'accent', 'scheme', 'position', 'picker', 'show'].map(
  (id) => document.getElementById(id),
);
const frame = document.querySelector('iframe');
const BLUE = '#2746d8'; // the widgets' own
const AGAIN_MS = 200; // until the widgets are there
let waiting = 0;

function pick() {
  const colour = (accent.validity.valid && accent.value) || BLUE;
  picker.value = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, '$&$&') : colour;
}

function draw() {
  clearTimeout(waiting);
  const page = frame.contentDocument;
  const session = page?.querySelector('perennial-launcher')?.session;
  if (!session) {
    waiting = setTimeout(draw, AGAIN_MS);
    return;
  }
  const look = { accent: accent.value, scheme: scheme.value || 'light', position: position.value || 'end' };
  page.documentElement.dataset.scheme = look.scheme;
  session.tried = look;
  session.accept(session.state);
}

form.addEventListener('input', ({ target }) => {
  if (target === picker) accent.value = picker.value;
  if (!accent.validity.valid) return;
  pick();
  draw();
});
pick();
picker.hidden = false;
show.hidden = true;
