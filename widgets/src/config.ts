/** What a store's page says about its widgets, read from the loader's own script tag. */

import type { Look } from './contract.ts';

export interface Config {
  /** Origin and path of the service, without a slash at the end. */
  readonly service: string;
  readonly store: string;
  readonly platform: string;
  /** Where the store says who is signed in; empty when it has no such address. */
  readonly visitor: string;
  readonly login: string;
  readonly accent: string;
  readonly scheme: 'light' | 'dark';
  readonly position: 'start' | 'end';
}

/** Read the attributes of a script tag, or null when it names no store. */
export function readConfig(src: string, data: DOMStringMap): Config | null {
  if (!data['store']) return null;
  return {
    service: src.replace(/\/widgets\/loader\.js.*$/, ''),
    store: data['store'],
    platform: data['platform'] ?? '',
    visitor: data['visitor'] ?? '',
    login: data['login'] ?? '',
    accent: data['accent'] ?? '',
    scheme: data['scheme'] === 'dark' ? 'dark' : 'light',
    position: data['position'] === 'start' ? 'start' : 'end',
  };
}

/** Put what the merchant chose in place of what the script tag says. */
export function wearing(config: Config, look: Look | null): Config {
  return {
    ...config,
    accent: look?.accent ?? config.accent,
    scheme: look?.scheme ?? config.scheme,
    position: look?.position ?? config.position,
  };
}
