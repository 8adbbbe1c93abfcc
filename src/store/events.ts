import { EventEmitter } from 'eventemitter3';
import type { MemoryError } from '../domain/errors';
import { pause } from '../environment/timers';
import type { ChangeFeed } from '../recall/watch';
import type { Snapshot } from './snapshot';

/** The events of a store, with their payloads. Payloads contain ids and numbers, and never the text of a memory. */
export interface StoreEvents {
  /** A transaction is durable. `changeSeq` is the number of its last change, `ids` the memories that it changed. */
  committed: { changeSeq: number; ids: string[] };
  /** The vector index contains every change up to `changeSeq`. */
  indexed: { changeSeq: number };
  /** A `recall` returned this number of hits, after this number of milliseconds. */
  recalled: { hits: number; tookMs: number };
  /** This number of changes is missing from the vector index. Searches still find them, but are slower. */
  lagging: { indexLag: number };
  /** Another node of the cluster leads, or none is known: then nothing can be written. */
  leader: { leader: number | undefined; isThisNode: boolean };
  /** A member of the cluster has changed. 'moved': it has another address. */
  member: { id: number; address: string; change: 'added' | 'promoted' | 'demoted' | 'removed' | 'moved' };
  /** A snapshot that the option `snapshots` demands is complete. */
  snapshot: Snapshot;
  /**
   * A part of the store works less well than it should. No data is lost. 'node': the node of the cluster has stopped, and takes no calls
   * until the store is opened again. 'snapshots': a snapshot in the background has failed, and is made again later. 'consolidation': a
   * consolidation in the background has failed, and is tried again later. 'retention': what a retention has reached could not be forgotten in
   * the background, which is tried again later; nobody finds it meanwhile.
   */
  degraded: { part: 'index' | 'embedder' | 'node' | 'snapshots' | 'consolidation' | 'retention'; error: MemoryError };
}

/** Calls a store's event listeners. If a listener throws, the error is thrown again in a separate turn and never disturbs the store. */
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

  /** Makes the listeners for one vector index. Only the index that searches use reports its progress. Every index reports failures. */
  ofIndex(isSearched: () => boolean) {
    return {
      onLagging: (indexLag: number): void => {
        if (isSearched()) this.emit('lagging', { indexLag });
      },
      onIndexed: (changeSeq: number): void => {
        if (isSearched()) this.emit('indexed', { changeSeq });
      },
      onDegraded: (error: MemoryError): void => this.emit('degraded', { part: 'index', error }),
    };
  }

  /** Checks whether an event has a listener. */
  has(event: keyof StoreEvents): boolean {
    return this.#emitter.listenerCount(event) > 0;
  }

  /** Adds a listener, and returns the function that removes it. */
  on<E extends keyof StoreEvents>(event: E, listener: (payload: StoreEvents[E]) => void): () => void {
    this.#emitter.on(event, listener as never);
    return () => void this.#emitter.off(event, listener as never);
  }
}

/** A change feed, with the methods that the engine calls on it. */
export interface OwnedFeed extends ChangeFeed {
  changed(): void;
  close(): void;
}

/** The change feed in the writer process. `next` resolves when this process has committed a change. */
export class ChangeSignal implements OwnedFeed {
  #waiting = new Set<(more: boolean) => void>();
  #closed = false;

  changed(): void {
    this.#resolveAll(true);
  }

  close(): void {
    this.#closed = true;
    this.#resolveAll(false);
  }

  next(signal: AbortSignal): Promise<boolean> {
    if (this.#closed || signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onAbort = () => settle(false);
      const settle = (more: boolean) => {
        this.#waiting.delete(settle);
        signal.removeEventListener('abort', onAbort);
        resolve(more);
      };
      this.#waiting.add(settle);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #resolveAll(more: boolean): void {
    for (const settle of [...this.#waiting]) settle(more);
  }
}

const pollMs = 100;

/** The change feed in a read-only process. It polls, because SQLite does not report commits from other processes. */
export class PolledFeed implements OwnedFeed {
  readonly #closing = new AbortController();

  async next(signal: AbortSignal): Promise<boolean> {
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    if (ended.aborted) return false;
    await pause(pollMs, ended);
    return !ended.aborted;
  }

  changed(): void {
    // The next poll finds the change.
  }

  close(): void {
    this.#closing.abort();
  }
}
