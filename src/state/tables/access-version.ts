import type { StoreMeta } from './store-meta';

const metaKey = 'access_version';

/** The version of the declarations of `open` that are in force. Undefined if no `open` has given one. */
export function accessVersionOf(meta: Pick<StoreMeta, 'get'>): number | undefined {
  const version = meta.get(metaKey);
  return typeof version === 'number' ? version : undefined;
}

/** Keeps the version of declarations that come into force. Only `apply` calls this. */
export function keepAccessVersion(meta: Pick<StoreMeta, 'put'>, version: number): void {
  meta.put(metaKey, version);
}
