import { EventEmitter } from 'eventemitter3';
import type { MemoryError } from '../domain/errors';

/** The events of a store, with their payloads. Payloads hold ids and numbers, and never the text of a memory. */
export interface StoreEvents {
  /** A transaction is durable. `changeSeq` is the number of its last change, `ids` the memories that it changed. */
  committed: { changeSeq: number; ids: string[] };
  /** The vector index has followed every change up to `changeSeq`. */
  indexed: { changeSeq: number };
  /** A `recall` returned this number of hits, after this number of milliseconds. */
  recalled: { hits: number; tookMs: number };
  /** The vector index lacks this number of changes. Searches still find them, more slowly. */
  lagging: { indexLag: number };
  /** A part of the store works less well than it should. No data is lost. */
  degraded: { part: 'index' | 'embedder'; error: MemoryError };
}

/** Calls the listeners of a store. An error that a listener throws is thrown in a separate turn and never disturbs the store. */
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

  /** Whether an event has a listener. */
  has(event: keyof StoreEvents): boolean {
    return this.#emitter.listenerCount(event) > 0;
  }

  /** Adds a listener, and returns the function that removes it. */
  on<E extends keyof StoreEvents>(event: E, listener: (payload: StoreEvents[E]) => void): () => void {
    this.#emitter.on(event, listener as never);
    return () => void this.#emitter.off(event, listener as never);
  }
}
