import { EventEmitter } from 'eventemitter3';
import type { MemoryError } from '../domain/errors';

/** What a store tells its host. Payloads carry ids and figures, never text. */
export interface StoreEvents {
  /** A transaction is durable. `index` is the number of its last change. */
  committed: { index: number; ids: string[] };
  /** The vector index holds everything up to that change. */
  indexed: { index: number };
  recalled: { hits: number; tookMs: number };
  /** The vector index has fallen behind by that many changes. */
  lagging: { behind: number };
  /** A part works less well than it should; nothing is lost. */
  degraded: { part: 'index' | 'embedder'; error: MemoryError };
}

/** Emits events to listeners that cannot disturb the store: what one throws is thrown in a turn of its own. */
export class EventSource {
  readonly #emitter = new EventEmitter<{ [E in keyof StoreEvents]: [StoreEvents[E]] }>();

  emit<E extends keyof StoreEvents>(event: E, payload: StoreEvents[E]): void {
    for (const listener of this.#emitter.listeners(event)) {
      try {
        (listener as (payload: StoreEvents[E]) => void)(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  has(event: keyof StoreEvents): boolean {
    return this.#emitter.listenerCount(event) > 0;
  }

  on<E extends keyof StoreEvents>(event: E, listener: (payload: StoreEvents[E]) => void): () => void {
    this.#emitter.on(event, listener as never);
    return () => void this.#emitter.off(event, listener as never);
  }
}
