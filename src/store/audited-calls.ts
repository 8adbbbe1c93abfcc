import type { AuditEvent, TouchedMemories } from '../audit/audit-log';
import { looksLikeId } from '../audit/chain-entry';
import { type ErrorCode, MemoryError } from '../domain/errors';
import type { MemoryChange } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import type { Action } from '../domain/rule';
import type { Caller } from '../domain/scope';
import type { Engine } from './composition/engine';
import type { Lifetime } from './lifetime';

/**
 * The namespace and memories that a call is about. The call sets them as early as it can, so that its audit entry names them even if
 * the call fails.
 */
export interface CallTarget {
  namespace?: Namespace | undefined;
  /** The ids of the memories that the call names. */
  ids: readonly string[];
  /** True if none of these memories exists, or the caller may read none of them. */
  missing: boolean;
}

/** A memory in the result of a call. */
export interface ReturnedMemory {
  readonly id: string;
  readonly namespace: Namespace;
  readonly accessTags: readonly string[];
}

type Touched = TouchedMemories & { readonly accessTags?: readonly string[] };

export type AuditedCallsDeps = Pick<
  Engine,
  'state' | 'environment' | 'audit' | 'recorder' | 'reads' | 'levels' | 'version' | 'settled' | 'synced'
>;

/** Runs the calls from one caller and adds an audit entry for each, unless `apply` (which runs write commands) adds the entry. */
export class AuditedCalls {
  readonly #deps: AuditedCallsDeps;
  readonly #lifetime: Lifetime;
  readonly #caller: Caller;

  constructor(deps: AuditedCallsDeps, lifetime: Lifetime, caller: Caller) {
    this.#deps = deps;
    this.#lifetime = lifetime;
    this.#caller = caller;
  }

  /**
   * Runs a read and records it. The result is returned only after the writes that it may contain are on disk, and, if the audit option
   * `reads` is 'durable', its entry.
   *
   * @param memoriesIn Lists the memories in a result.
   */
  read<T>(
    action: string,
    run: (target: CallTarget) => T | Promise<T>,
    memoriesIn: (result: T) => readonly ReturnedMemory[] = () => [],
  ): Promise<T> {
    const { reads } = this.#deps;
    return this.#lifetime.read(() =>
      reads.run(async () => {
        const target = this.#newTarget();
        const result = await this.#runRecordingRefusal(action, target, () => run(target));
        const recorded = target.missing
          ? this.#recordMissing(action, target)
          : this.recordRead(action, target, memoriesIn(result));
        if (recorded !== undefined) await recorded;
        const settled = this.#deps.settled();
        if (settled !== undefined) await settled;
        return result;
      }),
    );
  }

  /**
   * Runs a write. `apply` records every command that reaches it. If the call is refused earlier, this method records the refusal.
   *
   * @param tellsOfOthers Whether a result tells of other writes than its own, which the log has synced.
   */
  write<T>(
    action: string,
    run: (target: CallTarget) => Promise<T>,
    tellsOfOthers: (result: T) => boolean = () => true,
  ): Promise<T> {
    return this.#lifetime.write(async () => {
      const target = this.#newTarget();
      const result = await this.#runRecordingRefusal(action, target, () => run(target));
      // A write that only repeats an earlier one has its result from there, and the log was not asked. The earlier one may have failed.
      if (tellsOfOthers(result)) await this.#deps.synced();
      await this.#deps.audit.written();
      return result;
    });
  }

  /** Runs a write that is one command, as `write` does. A node of a cluster does not refuse it because the node itself lags. */
  change<T>(
    action: string,
    run: (target: CallTarget) => Promise<T>,
    tellsOfOthers?: (result: T) => boolean,
  ): Promise<T> {
    return this.write(action, (target) => this.#decided(run, target), tellsOfOthers);
  }

  /** Checks before the command may refuse what only a later state allows. The command itself is decided in the order of the log. */
  async #decided<T>(run: (target: CallTarget) => Promise<T>, target: CallTarget): Promise<T> {
    try {
      return await run(target);
    } catch (error) {
      const isDecided = !MemoryError.is(error) || this.#deps.recorder.isRecorded(error);
      const latest = isDecided || !changing.has(error.code) ? undefined : this.#deps.levels.latest();
      if (latest === undefined) throw error;
      await latest;
      return run(target);
    }
  }

  /** Records a read that returned these memories. The promise resolves when the entry is as durable as the options require. */
  recordRead(
    action: string,
    target: Pick<CallTarget, 'namespace'>,
    memories: readonly ReturnedMemory[],
  ): Promise<void> | undefined {
    const { audit } = this.#deps;
    if (!audit.recordsRead(this.#caller.actor, action)) return undefined;
    return audit.recordRead(this.#event(action, target, touchedBy(memories), 'allowed'));
  }

  /** Looks up the current labels of memories, for results that contain only ids. */
  memoriesOf(...ids: readonly (string | undefined)[]): ReturnedMemory[] {
    return ids.flatMap((id) => {
      const place = id === undefined ? undefined : this.#deps.recorder.labelsOf(id);
      return id === undefined || place === undefined ? [] : [{ id, ...place }];
    });
  }

  /** Passes on the changes from a watch, and records each change before it is delivered. */
  watchRecorded(
    changes: AsyncIterable<MemoryChange>,
    target: Pick<CallTarget, 'namespace'>,
    isStillVisible: (change: MemoryChange) => boolean,
  ): AsyncIterable<MemoryChange> {
    return {
      [Symbol.asyncIterator]: () => {
        const inner = changes[Symbol.asyncIterator]();
        return {
          next: async () => {
            for (;;) {
              const next = await inner.next();
              if (next.done === true) return next;
              const version = this.#deps.version();
              const recorded = this.recordRead('watch', target, this.memoriesOf(next.value.id));
              const settled = this.#deps.settled();
              const reached = this.#deps.levels.reached({}, this.#caller.actor);
              if (recorded === undefined && settled === undefined && reached === undefined) return next;
              await Promise.all([recorded, settled, reached]);
              // While the entry was written, the caller may have lost access.
              if (this.#deps.version() === version || isStillVisible(next.value)) return next;
            }
          },
          return: async () => (await inner.return?.()) ?? { done: true, value: undefined },
        };
      },
    };
  }

  /** Records a call that failed, unless `apply` has recorded it. */
  recordRefusal(action: string, target: CallTarget, error: unknown): Promise<void> | undefined {
    // A call that was aborted, or failed outside this library, was allowed and has returned nothing.
    if (!MemoryError.is(error)) return this.recordRead(action, target, []);
    if (error.code === 'STORE_CLOSED' || this.#deps.recorder.isRecorded(error)) return undefined;
    const event = this.#event(action, target, this.#namedMemories(target.ids), 'refused');
    return this.#deps.audit.record({ ...event, code: error.code });
  }

  #recordMissing(action: string, target: CallTarget): Promise<void> | undefined {
    const event = this.#event(action, target, this.#namedMemories(target.ids), 'refused');
    return this.#deps.audit.recordRead({ ...event, code: 'NOT_FOUND' });
  }

  async #runRecordingRefusal<T>(action: string, target: CallTarget, run: () => T | Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      await this.recordRefusal(action, target, error);
      // The refusal may tell of a write, such as the one that has made another revision.
      await this.#deps.settled();
      throw error;
    }
  }

  #newTarget(): CallTarget {
    return { namespace: this.#caller.scope.namespace, ids: [], missing: false };
  }

  #event(
    call: string,
    { namespace = [] }: Pick<CallTarget, 'namespace'>,
    touched: readonly Touched[],
    decision: AuditEvent['decision'],
  ): AuditEvent {
    const { state, environment, recorder } = this.#deps;
    const { policy } = state;
    const { actor } = this.#caller;
    const action = actionOf(call);
    const rulesAt = (at: Namespace, accessTags?: readonly string[]) =>
      recorder.decidingRules.idsFor(policy, actor, action, at, accessTags);
    const places = touched.flatMap(({ namespace: at, accessTags }) =>
      at === undefined ? [] : [rulesAt(at, accessTags)],
    );
    const [first = rulesAt(namespace)] = places;
    return {
      at: environment.clock.now(),
      by: actor,
      action: call,
      decision,
      namespace,
      touched,
      policyVersion: policy.version,
      rules: places.length < 2 ? first : [...new Set(places.flat())],
      changeSeq: state.lastChangeSeq,
    };
  }

  /** Describes memories that a call names but does not return. They get their labels if they exist, and otherwise only their id. */
  #namedMemories(ids: readonly string[]): Touched[] {
    return ids.flatMap((id): Touched[] => {
      const place = this.#deps.recorder.labelsOf(id);
      if (place !== undefined) return [{ ...place, ids: [id] }];
      return looksLikeId(id) ? [{ namespace: undefined, ids: [id] }] : [];
    });
  }
}

/** Groups the memories that a read returns by their labels. */
function touchedBy(memories: readonly ReturnedMemory[]): Touched[] {
  const [first] = memories;
  if (memories.length === 1 && first !== undefined) return [placeOf(first, [first.id])];
  const groups = new Map<string, Touched & { readonly ids: string[] }>();
  for (const memory of memories) {
    const key = JSON.stringify([memory.namespace, memory.accessTags]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, placeOf(memory, [memory.id]));
    else group.ids.push(memory.id);
  }
  return [...groups.values()];
}

/** Copies the namespace, because the caller may change the memory that it got before the entry is written. */
function placeOf<Ids>({ namespace, accessTags }: ReturnedMemory, ids: Ids) {
  return { namespace: [...namespace], accessTags, ids };
}

/** The refusals that another write may have made wrong. */
const changing: ReadonlySet<ErrorCode> = new Set([
  'NOT_FOUND',
  'FORBIDDEN',
  'REVISION_CONFLICT',
  'QUOTA_EXCEEDED',
  'AMBIGUOUS_ID',
]);

/** The action that each call requires. Calls that are not listed require `read`. */
const actionByCall: Readonly<Record<string, Action>> = {
  remember: 'write',
  update: 'update',
  share: 'share',
  forget: 'forget',
  forgetWhere: 'forget',
  endorse: 'endorse',
  consolidate: 'consolidate',
  undoConsolidation: 'consolidate',
  reembed: 'administer',
  rollback: 'administer',
  dropUnusedSpaces: 'administer',
  'add-declaration': 'administer',
  'end-declaration': 'administer',
  contain: 'administer',
  release: 'administer',
  revert: 'administer',
};

function actionOf(call: string): Action {
  if (/^(access|cluster|lifecycle|trust)\./.test(call)) return 'administer';
  if (call.startsWith('audit.')) return 'audit';
  return actionByCall[call] ?? 'read';
}
