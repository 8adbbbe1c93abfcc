/** A call on the memory that has a certain key. `update` and `forget` take the id that an earlier response gave. */
export type KeyedCall =
  | { readonly type: 'remember'; readonly text: string }
  | { readonly type: 'update'; readonly id: string; readonly text: string; readonly ifRevision?: number }
  | { readonly type: 'forget'; readonly id: string; readonly ifRevision?: number }
  /** Reads by key, or by the id if it is given. */
  | { readonly type: 'get'; readonly id?: string };

/** One state of a memory as a response shows it. */
export interface Version {
  readonly id: string;
  readonly revision: number;
  readonly text: string;
}

/** What a client learned about a call. */
export type Outcome =
  | { readonly type: 'remembered'; readonly id: string; readonly revision: number; readonly isNew: boolean }
  | { readonly type: 'updated'; readonly version: Version }
  | { readonly type: 'forgotten'; readonly existed: boolean }
  | { readonly type: 'got'; readonly version: Version | undefined }
  /** The store refused the call because of the state of the memory. */
  | { readonly type: 'refused'; readonly code: 'NOT_FOUND' | 'REVISION_CONFLICT' }
  /** The store promised that the call has no effect, for another reason: no leader, a full queue, a quota. */
  | { readonly type: 'withoutEffect' }
  /** A time-out or a lost connection: the call may take effect at any later time, or never. */
  | { readonly type: 'unknown' };

/** A call of one client with its interval. Times are counts of a logical clock: no two events of a history have the same one. */
export interface Operation {
  readonly client: string;
  readonly key: string;
  readonly call: KeyedCall;
  readonly outcome: Outcome;
  readonly invokedAt: number;
  /** For an unknown outcome, the time at which the client gave up. Absent while no outcome was recorded. */
  readonly respondedAt?: number;
}

/** Records the calls of several clients in the order in which they begin and end. */
export class HistoryRecorder {
  readonly #operations: Operation[] = [];
  #now = 0;

  /** Records that a client makes a call. Call the result once, with the outcome. Until then the outcome is unknown. */
  invoke(client: string, key: string, call: KeyedCall): (outcome: Outcome) => void {
    const begun: Operation = { client, key, call, outcome: { type: 'unknown' }, invokedAt: this.#tick() };
    const index = this.#operations.push(begun) - 1;
    return (outcome) => {
      if (this.#operations[index]?.respondedAt !== undefined) {
        throw new Error(`Client ${client} recorded two outcomes of one call. Call the result of invoke once.`);
      }
      this.#operations[index] = { ...begun, outcome, respondedAt: this.#tick() };
    };
  }

  /** The operations so far, in the order of their invocation. */
  get history(): readonly Operation[] {
    return [...this.#operations];
  }

  #tick(): number {
    this.#now += 1;
    return this.#now;
  }
}

/** True if the client knows the outcome, so that the operation must have a place in the order. */
export function isComplete({ outcome, respondedAt }: Operation): boolean {
  return respondedAt !== undefined && outcome.type !== 'unknown' && outcome.type !== 'withoutEffect';
}

/** What was known right after a certain time: later invocations are absent, later responses are unknown. */
export function prefixUntil(history: readonly Operation[], time: number): readonly Operation[] {
  return history.flatMap((operation) => {
    if (operation.invokedAt > time) return [];
    const { respondedAt = time, ...begun } = operation;
    return respondedAt > time ? [{ ...begun, outcome: { type: 'unknown' } as const }] : [operation];
  });
}
