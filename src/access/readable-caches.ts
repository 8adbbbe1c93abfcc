import { LRUCache } from 'lru-cache';
import type { Namespace } from '../domain/namespace';
import type { Actor } from '../domain/principal';
import { ReadableCache } from './readable-cache';

// With thousands of scopes each takes tens of kilobytes.
const mostActors = 1_024;

/** One cache for each actor and bound, however many handles are made of them: a server makes one for every request. */
export class ReadableCaches {
  readonly #kept = new LRUCache<string, ReadableCache>({ max: mostActors });

  of(actor: Actor, within: Namespace): ReadableCache {
    // JSON of lists is injective: no two actors or namespaces share a key, whatever their labels hold.
    const { party, onBehalfOf } = actor;
    const who = party === 'root' ? [] : [party.kind, party.id, onBehalfOf?.id ?? null];
    const key = JSON.stringify([who, within]);
    const kept = this.#kept.get(key) ?? new ReadableCache(actor, within);
    this.#kept.set(key, kept);
    return kept;
  }
}
