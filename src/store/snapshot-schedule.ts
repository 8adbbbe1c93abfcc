import type { LongCallOptions } from '../domain/calls';
import { MemoryError } from '../domain/errors';
import { messageOf } from '../domain/realms';
import type { Schedule } from '../environment/timers';
import { startStopwatch } from '../environment/timers';
import type { EventSource } from './events';
import type { Snapshot } from './snapshot';

export interface SnapshotScheduleDeps {
  /** The time from the start of one snapshot to the start of the next. */
  readonly everyMs: number;
  readonly schedule: Schedule;
  readonly events: Pick<EventSource, 'emit'>;
  now(): number;
  /** When the newest snapshot of this store was made, in epoch milliseconds. Undefined if there is none. */
  newest(): Promise<number | undefined>;
  make(options: Pick<LongCallOptions, 'signal'>): Promise<Snapshot>;
}

/** A snapshot that failed is made again after this time. Each further failure doubles it, up to the regular interval. */
const firstRetryMs = 60_000;

/** Makes snapshots of a store in the background. A failure is an event, and never disturbs the host. */
export class SnapshotSchedule {
  readonly #deps: SnapshotScheduleDeps;
  readonly #closing = new AbortController();
  #cancel: (() => void) | undefined;
  #running: Promise<void>;
  #failures = 0;

  constructor(deps: SnapshotScheduleDeps) {
    this.#deps = deps;
    this.#running = this.#start();
  }

  /** Ends a running snapshot, of which nothing stays. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancel?.();
    await this.#running;
  }

  /** After a restart, the next snapshot is due when it would have been without the restart. */
  async #start(): Promise<void> {
    const { everyMs, now, newest } = this.#deps;
    // A folder that cannot be read is reported when the snapshot is made.
    const last = await newest().catch(() => undefined);
    // The clock may have been set back since.
    this.#next(last === undefined ? 0 : Math.min(everyMs, Math.max(0, last + everyMs - now())));
  }

  #next(ms: number): void {
    if (this.#closing.signal.aborted) return;
    this.#cancel = this.#deps.schedule(ms, () => {
      this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    const { everyMs, events, make } = this.#deps;
    const elapsedMs = startStopwatch();
    try {
      const snapshot = await make({ signal: this.#closing.signal });
      this.#failures = 0;
      events.emit('snapshot', snapshot);
      this.#next(Math.max(0, everyMs - elapsedMs()));
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      events.emit('degraded', { part: 'snapshots', error: failureOf(error) });
      this.#next(Math.min(everyMs, firstRetryMs * 2 ** this.#failures++));
    }
  }
}

function failureOf(error: unknown): MemoryError {
  if (MemoryError.is(error)) return error;
  return new MemoryError('FILE_FAILED', `No snapshot could be made: ${messageOf(error)}.`, { cause: error });
}
