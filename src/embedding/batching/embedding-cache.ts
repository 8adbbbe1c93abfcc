import { LRUCache } from 'lru-cache';
import { InFlight } from './in-flight';

/** Many models embed a query otherwise than a document, so the two never stand for each other. */
export type Role = 'document' | 'query';

/** What an entry takes beside its text and its vector, roughly. */
const entryBytes = 200;

/** The vectors of texts seen before, least recently used first to go, and those on their way. */
export class EmbeddingCache {
  readonly #kept: LRUCache<string, Float32Array>;
  readonly #inFlight = new Map<string, InFlight>();

  /** `bytes` bounds what is kept, texts included. 0 keeps nothing. */
  constructor(bytes: number) {
    // To the library a size of 0 is no bound.
    const maxSize = Math.max(1, bytes);
    const sizeCalculation = (vector: Float32Array, key: string) => vector.byteLength + 2 * key.length + entryBytes;
    this.#kept = new LRUCache({ maxSize, sizeCalculation });
  }

  /** The vector of a text, or its flight; where there is neither a new flight, which `start` gets. */
  find(role: Role, text: string, start: (flight: InFlight) => void): Float32Array | InFlight {
    const key = keyOf(role, text);
    const known = this.#kept.get(key) ?? this.#inFlight.get(key);
    if (known !== undefined) return known;
    const flight = new InFlight(text);
    this.#inFlight.set(key, flight);
    start(flight);
    return flight;
  }

  keep(role: Role, text: string, vector: Float32Array): void {
    this.#kept.set(keyOf(role, text), vector);
  }

  /** Nobody finds these flights any more. */
  forget(role: Role, flights: readonly InFlight[]): void {
    for (const flight of flights) {
      const key = keyOf(role, flight.text);
      // Another may have taken off for the same text since.
      if (this.#inFlight.get(key) === flight) this.#inFlight.delete(key);
    }
  }
}

function keyOf(role: Role, text: string): string {
  return `${role} ${text}`;
}
