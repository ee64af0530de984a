/** Gives a widget's host the store's colours, scheme and reading direction. */

import type { Config } from '../config.ts';

/** Relative luminance of sRGB channels from 0 to 255. Source: WCAG 2.2, "relative luminance". */
export function luminance(red: number, green: number, blue: number): number {
  const [r, g, b] = [red, green, blue].map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** What follows from an accent where the browser cannot work it out in CSS. */
export function follow(light: number, scheme: Config['scheme']): Record<string, string> {
  const isReadable = scheme === 'dark' ? light > 0.3 : light < 0.18;
  return {
    '--pn-on-accent': light < 0.18 ? '#fff' : '#000',
    '--pn-accent-text': isReadable ? 'var(--a)' : 'var(--pn-ink)',
    '--pn-accent-soft': 'var(--pn-sunken)',
  };
}

/** Read any CSS colour as sRGB channels, by painting one pixel of it. */
function channels(colour: string): [number, number, number] {
  const brush = document.createElement('canvas').getContext('2d');
  if (!brush) return [0, 0, 0];
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = brush.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}

/** Dress a host that is in the page already. */
export function dress(host: HTMLElement, config: Config): void {
  host.dataset['pnScheme'] = config.scheme;
  host.dataset['pnPosition'] = config.position;
  host.dir = getComputedStyle(document.body).direction;
  const own = CSS.supports('color', config.accent) ? config.accent : '';
  host.style.setProperty('--pn-accent', own);
  if (CSS.supports('color', 'oklch(from red l c h)')) return;
  const accent = getComputedStyle(host).getPropertyValue('--pn-accent').trim() || '#2746d8';
  const following = follow(luminance(...channels(accent)), config.scheme);
  for (const [name, value] of Object.entries(following)) host.style.setProperty(name, value);
}
