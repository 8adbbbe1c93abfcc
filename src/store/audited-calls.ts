import type { AuditEvent, TouchedMemories } from '../audit/audit-log';
import { looksLikeId } from '../audit/chain-entry';
import { MemoryError } from '../domain/errors';
import type { MemoryChange } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import type { Action } from '../domain/rule';
import type { Caller } from '../domain/scope';
import type { Engine } from './composition/engine';
import type { Lifetime } from './lifetime';

/** What a call asks for, told by it once it knows: the audit names it, whatever becomes of the call. */
export interface AuditedCall {
  namespace?: Namespace | undefined;
  /** Of memories. */
  ids: readonly string[];
  /** Nothing is there that the principal may read. */
  missing: boolean;
}

/** A memory that an answer holds. */
export interface Answered {
  readonly id: string;
  readonly namespace: Namespace;
  readonly accessTags: readonly string[];
}

/** The calls of one principal: each of them leaves an entry in the audit, unless `apply` writes one. */
export class AuditedCalls {
  readonly #engine: Engine;
  readonly #lifetime: Lifetime;
  readonly #caller: Caller;

  constructor(engine: Engine, lifetime: Lifetime, caller: Caller) {
    this.#engine = engine;
    this.#lifetime = lifetime;
    this.#caller = caller;
  }

  /** Runs a read. With the audit 'durable', its answer waits for its entry. */
  read<T>(
    action: string,
    run: (asked: AuditedCall) => T | Promise<T>,
    answered: (answer: T) => readonly Answered[] = () => [],
  ): Promise<T> {
    const { reads } = this.#engine;
    return this.#lifetime.read(() =>
      reads.run(async () => {
        const asked = this.#asked();
        const answer = await this.#unlessRefused(action, asked, () => run(asked));
        const written = asked.missing ? this.#missed(action, asked) : this.answered(action, asked, answered(answer));
        if (written !== undefined) await written;
        return answer;
      }),
    );
  }

  /** Runs a write: what comes to be proposed is written down by `apply`, and here what does not. */
  write<T>(action: string, run: (asked: AuditedCall) => Promise<T>): Promise<T> {
    return this.#lifetime.write(async () => {
      const asked = this.#asked();
      const answer = await this.#unlessRefused(action, asked, () => run(asked));
      await this.#engine.audit.written();
      return answer;
    });
  }

  /** Writes down what was answered. */
  answered(
    action: string,
    asked: Pick<AuditedCall, 'namespace'>,
    memories: readonly Answered[],
  ): Promise<void> | undefined {
    const groups = new Map<
      string,
      TouchedMemories & { readonly ids: string[]; readonly accessTags: readonly string[] }
    >();
    for (const { id, namespace, accessTags } of memories) {
      const key = JSON.stringify([namespace, accessTags]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { namespace, accessTags, ids: [id] });
      else group.ids.push(id);
    }
    const touched = [...groups.values()];
    const act = this.#act(action, asked, touched, 'allowed');
    return this.#engine.audit.recordRead(act);
  }

  /** Where memories are now, of answers that do not say so. */
  placed(...ids: readonly (string | undefined)[]): Answered[] {
    return ids.flatMap((id) => {
      const place = id === undefined ? undefined : this.#engine.recorder.labelsOf(id);
      return id === undefined || place === undefined ? [] : [{ id, ...place }];
    });
  }

  /** Each change is written down before it is delivered. */
  delivered(
    changes: AsyncIterable<MemoryChange>,
    asked: Pick<AuditedCall, 'namespace'>,
    isStillShown: (change: MemoryChange) => boolean,
  ): AsyncIterable<MemoryChange> {
    return {
      [Symbol.asyncIterator]: () => {
        const inner = changes[Symbol.asyncIterator]();
        return {
          next: async () => {
            for (;;) {
              const next = await inner.next();
              if (next.done === true) return next;
              const version = this.#engine.version();
              const written = this.answered('watch', asked, this.placed(next.value.id));
              if (written === undefined) return next;
              await written;
              // What was revoked while its entry was written is not delivered.
              if (this.#engine.version() === version || isStillShown(next.value)) return next;
            }
          },
          return: async () => (await inner.return?.()) ?? { done: true, value: undefined },
        };
      },
    };
  }

  /** Writes down a refusal, unless `apply` has. */
  refused(action: string, asked: AuditedCall, error: unknown): Promise<void> | undefined {
    if (!MemoryError.is(error) || error.code === 'STORE_CLOSED' || this.#engine.recorder.isRecorded(error))
      return undefined;
    const { code } = error;
    return this.#engine.audit.record({ ...this.#act(action, asked, this.#known(asked.ids), 'refused'), code });
  }

  #missed(action: string, asked: AuditedCall): Promise<void> | undefined {
    const act = this.#act(action, asked, this.#known(asked.ids), 'refused');
    return this.#engine.audit.recordRead({ ...act, code: 'NOT_FOUND' });
  }

  async #unlessRefused<T>(action: string, asked: AuditedCall, run: () => T | Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      await this.refused(action, asked, error);
      throw error;
    }
  }

  #asked(): AuditedCall {
    return { namespace: this.#caller.scope.namespace, ids: [], missing: false };
  }

  #act(
    action: string,
    { namespace = [] }: Pick<AuditedCall, 'namespace'>,
    touched: readonly (TouchedMemories & { readonly accessTags?: readonly string[] })[],
    decision: AuditEvent['decision'],
  ): AuditEvent {
    const { state, environment, recorder } = this.#engine;
    const { policy } = state;
    const { actor } = this.#caller;
    const takes = actionOf(action);
    const places = touched.flatMap((each) => (each.namespace === undefined ? [] : [{ ...each, at: each.namespace }]));
    const rules =
      places.length === 0
        ? recorder.decidingRules.idsFor(policy, actor, takes, namespace)
        : places.flatMap(({ at, accessTags }) => recorder.decidingRules.idsFor(policy, actor, takes, at, accessTags));
    return {
      ...{ at: environment.clock.now(), by: actor, action, decision, namespace: namespace, touched },
      ...{ policyVersion: policy.version, rules: [...new Set(rules)], changeSeq: state.lastChangeSeq },
    };
  }

  /** What was asked for and not returned: by its id alone, or with where it is. */
  #known(ids: readonly string[]): (TouchedMemories & { readonly accessTags?: readonly string[] })[] {
    return ids.flatMap((id): (TouchedMemories & { readonly accessTags?: readonly string[] })[] => {
      const place = this.#engine.recorder.labelsOf(id);
      if (place !== undefined) return [{ ...place, ids: [id] }];
      return looksLikeId(id) ? [{ namespace: undefined, ids: [id] }] : [];
    });
  }
}

/** What the calls take that do not read. */
const taken: Readonly<Record<string, Action>> = {
  remember: 'write',
  update: 'update',
  share: 'share',
  forget: 'forget',
  forgetWhere: 'forget',
  reembed: 'administer',
  rollback: 'administer',
  dropUnusedSpaces: 'administer',
  'add-declaration': 'administer',
  'end-declaration': 'administer',
};

/** The action that a call takes. */
function actionOf(call: string): Action {
  if (call.startsWith('access.')) return 'administer';
  if (call.startsWith('audit.')) return 'audit';
  return taken[call] ?? 'read';
}
