/** Builds DOM from data. Text only ever goes in as text nodes, so no string can become markup. */

export type Child = Node | string | null | false | undefined;

type Props = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>;

/** Create an element. A prop that is a function listens, `true` sets an empty attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props?: Props | null,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (name === 'style') element.style.cssText = String(value); // attributes may be barred by a CSP
    else if (value != null && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children.filter((child): child is Node | string => !!child || child === ''));
  return element;
}

/** Give a shadow root its styles: a constructed sheet passes any CSP and is parsed once. */
export function adopt(root: ShadowRoot, css: string): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(h('style', null, css)); // Safari before 16.4
  }
}
