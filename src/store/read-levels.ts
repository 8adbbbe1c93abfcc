import type { Consistency } from '../domain/calls';
import { invalidInput, MemoryError } from '../domain/errors';
import { type Actor, isRoot } from '../domain/principal';
import { startStopwatch } from '../environment/timers';
import type { ReplicatedLog } from '../log/replicated-log';
import type { ChangeFeed } from '../recall/watch';
import { SealedNumbers } from './sealed-numbers';

export interface ReadLevelsDeps {
  readonly log: Pick<ReplicatedLog, 'barrier' | 'position' | 'status'>;
  readonly storeKey: Uint8Array;
  readonly readOnly: boolean;
  readonly changed: ChangeFeed;
  /** The number of the latest change that this process has loaded, after it has loaded what another process has written. */
  lastChange(): number;
  /** Whether the store belongs to a cluster. */
  isMember(): boolean;
}

/** How a read must wait. */
export interface ReadWait {
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How long a read-only process waits for a change of the process that writes. Both use the same file, so this is seldom needed. */
const maxWaitMs = 5_000;
const numbersInPosition = 1;

/** Makes reads wait until they include what their caller demands, and makes the positions that callers pass from one process to another. */
export class ReadLevels {
  readonly #deps: ReadLevelsDeps;
  readonly #positions: SealedNumbers;
  readonly #isAlone: boolean;

  constructor(deps: ReadLevelsDeps) {
    this.#deps = deps;
    this.#isAlone = deps.log.status().role === 'alone';
    this.#positions = new SealedNumbers(deps.storeKey, 'position', numbersInPosition);
  }

  /** A text for how far the store is here. Everything that was acknowledged in this process is before it. */
  position(): string {
    const { log, readOnly, lastChange } = this.#deps;
    return this.#positions.seal([readOnly ? lastChange() : log.position()], this.#kind());
  }

  /**
   * Resolves when a read may begin. Undefined if it may now.
   *
   * @throws FORBIDDEN, unless the host reads, for `local` and in a process that only reads the folder of a node; INVALID_INPUT for a position that this store has not reached; NO_QUORUM
   */
  reached({ consistency = 'session', signal }: ReadWait, actor: Actor): Promise<void> | undefined {
    if (consistency === 'local') {
      if (isRoot(actor)) return undefined;
      const message =
        'Not allowed to read with the consistency "local": only the host may, because rules that have ended may still apply there.';
      throw new MemoryError('FORBIDDEN', message);
    }
    if (this.#deps.readOnly && this.#deps.isMember()) assertLocalRead(consistency, actor);
    const waited = this.#waited(consistency, signal);
    return waited === undefined || signal === undefined ? waited : endedBy(signal, waited);
  }

  /**
   * Resolves when this node has everything that was acknowledged on any node. Undefined for a store without peers, which has it.
   *
   * @throws NO_QUORUM
   */
  latest(): Promise<void> | undefined {
    return this.#isAlone ? undefined : this.#deps.log.barrier('linearizable');
  }

  #waited(consistency: Exclude<Consistency, 'local'>, signal: AbortSignal | undefined): Promise<void> | undefined {
    const { log, readOnly } = this.#deps;
    if (typeof consistency === 'object') {
      const after = this.#open(consistency.after);
      return readOnly ? this.#follow(after, signal) : log.barrier({ after }).catch(rethrowAtOption);
    }
    // A store without peers has applied every write that it has acknowledged.
    return this.#isAlone ? undefined : log.barrier(consistency);
  }

  #open(position: string): number {
    try {
      const [number = 0] = this.#positions.open(position, this.#kind());
      return number;
    } catch {
      const message = 'expected a position from `position()` of this store, got another text.';
      throw invalidInput([{ path: ['consistency', 'after'], message }], 'options');
    }
  }

  async #follow(after: number, signal: AbortSignal = new AbortController().signal): Promise<void> {
    const { lastChange, changed } = this.#deps;
    const elapsedMs = startStopwatch();
    while (lastChange() < after) {
      if (elapsedMs() > maxWaitMs) {
        const message =
          'expected a position that this store has reached, got a later one. It is from a time after the backup from which this store was restored.';
        throw invalidInput([{ path: ['consistency', 'after'], message }], 'options');
      }
      if (!(await changed.next(signal))) return;
    }
  }

  /** Positions in the log of a cluster are not comparable with those of a store alone. */
  #kind(): string {
    return this.#isAlone ? 'alone' : 'cluster';
  }
}

/**
 * A process that only reads the folder of a node has what the node has applied, and does not know whether the node still hears of the others.
 */
function assertLocalRead(consistency: Exclude<Consistency, 'local'>, actor: Actor): void {
  const place =
    'This process only reads the folder of a node of a cluster. Use MemoryStore.connect to read through the node';
  if (!isRoot(actor))
    throw new MemoryError(
      'FORBIDDEN',
      `Not allowed: only the host may read here, because rules that have ended may still apply. ${place}.`,
    );
  if (consistency === 'session') return;
  const message = `expected 'local' or 'session'. ${place}, which can wait for the others.`;
  throw invalidInput([{ path: ['consistency'], message }], 'options');
}

/** Names the option of the call in the issues of the log's refusal. */
function rethrowAtOption(error: unknown): never {
  if (!MemoryError.is(error) || error.code !== 'INVALID_INPUT') throw error;
  throw invalidInput(
    error.issues.map(({ path, message }) => ({ path: ['consistency', ...path], message })),
    'options',
  );
}

/** Rejects with the reason of a signal as soon as the signal is aborted. */
function endedBy(signal: AbortSignal, waited: Promise<void>): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    void waited.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
