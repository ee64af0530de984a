/** Icons on a 24 px grid with a 1.75 stroke; decorative, so always hidden from assistive technology. */

const NS = 'http://www.w3.org/2000/svg';

export type Shape = string | readonly string[];

export const bloom =
  'M12 12c0-4 1.6-7.5 0-9-3 1.5-4 5.5 0 9Zm0 0c4 0 7.5 1.6 9 0-1.5-3-5.5-4-9 0Zm0 0c0 4-1.6 7.5 0 9 3-1.5 4-5.5 0-9Zm0 0c-4 0-7.5-1.6-9 0 1.5 3 5.5 4 9 0Z';
const circle = 'M3.5 12a8.5 8.5 0 1 0 17 0a8.5 8.5 0 1 0-17 0Z';
export const close = 'm6 6 12 12M18 6 6 18';
export const home = 'M4 11.5 12 4.5l8 7V19a1 1 0 0 1-1 1h-4v-5.5H9V20H5a1 1 0 0 1-1-1Z';
export const earn = [circle, 'M12 8v8M8 12h8'];
export const gift =
  'M4.5 11.5V19a1 1 0 0 0 1 1h13a1 1 0 0 0 1-1v-7.5M3.5 7.5h17v4h-17zM12 7.5V20M12 7.5C9.5 7.5 7.5 6.5 7.5 5S10.5 3 12 7.5Zm0 0c2.5 0 4.5-1 4.5-2.5S13.5 3 12 7.5Z';
export const clock = [circle, 'M12 7v5l3.5 2'];
export const lock = [
  'M7.5 10.5h9a2 2 0 0 1 2 2v5.5a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-5.5a2 2 0 0 1 2-2Z',
  'M8.5 10.5V7.5a3.5 3.5 0 0 1 7 0v3',
];
export const medal = [
  'M7 9.5a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z',
  'm8.5 13.5-1.5 7 5-2.5 5 2.5-1.5-7',
];
export const check = 'm5 12.5 4.5 4.5L19 7.5';
export const copy = [
  'M10.5 8.5h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2Z',
  'M15.5 5.5a1 1 0 0 0-1-1h-9a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1',
];
export const down = 'm6 9.5 6 6 6-6';
export const bag =
  'M5.5 8.5h13l1 11a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1ZM8.5 11V7a3.5 3.5 0 0 1 7 0v4';
export const back = 'M8.5 5 4.5 9l4 4M5 9h9a5.5 5.5 0 0 1 0 11H8';
export const offline =
  'M4 4.5 20 20M8 8.5a5 5 0 0 0-1.2 2A4 4 0 0 0 7.5 18.5H17M11 6.6A5.2 5.2 0 0 1 17 11a3.7 3.7 0 0 1 3 5.8';
export const mail = ['M5.5 5.5h13a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2Z', 'm4 7 8 6 8-6'];
export const alert = [circle, 'M12 7.5v5M12 16v.1'];
export const info = [circle, 'M12 11v5.5M12 7.8v.1'];

/** Draw an SVG of the given size from path data. */
export function svg(shape: Shape, attributes: Record<string, string>): SVGSVGElement {
  const root = document.createElementNS(NS, 'svg');
  root.setAttribute('aria-hidden', 'true');
  for (const [name, value] of Object.entries(attributes)) root.setAttribute(name, value);
  for (const d of typeof shape === 'string' ? [shape] : shape) {
    const path = document.createElementNS(NS, 'path');
    path.setAttribute('d', d);
    root.append(path);
  }
  return root;
}

/** An icon in the size and colour of its surroundings. */
export const icon = (shape: Shape): SVGSVGElement => svg(shape, { class: 'pn-i', viewBox: '0 0 24 24' });
