import { DecidingRuleCache } from '../access/authorise';
import type { Audit } from '../audit/audit';
import { MemoryError } from '../domain/errors';
import type { Namespace } from '../domain/namespace';
import type { Actor } from '../domain/principal';
import type { Clock } from '../environment/environment';
import type { StateStore } from '../state/state-store';

/** The parts of the store that `AuditRecorder` needs. */
export interface AuditRecorderDeps {
  readonly state: Pick<StateStore, 'records' | 'interning' | 'policy' | 'lastChangeSeq'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
}

/** The shared state that all handles need to write audit entries. */
export class AuditRecorder {
  /** Finds the ids of the rules that allow or deny an action. */
  readonly decidingRules = new DecidingRuleCache();
  readonly #deps: AuditRecorderDeps;
  readonly #recordedByApply = new WeakSet<MemoryError>();

  constructor(deps: AuditRecorderDeps) {
    this.#deps = deps;
  }

  /** Remembers that `apply` has written the audit entry for this refusal. */
  addRecorded(error: MemoryError): void {
    this.#recordedByApply.add(error);
  }

  /** Checks whether `apply` has written the audit entry for this refusal. */
  isRecorded(error: MemoryError): boolean {
    return this.#recordedByApply.has(error);
  }

  /**
   * Looks up the labels of a memory, even if it was forgotten. Undefined if no memory has this id, or if it is damaged. Use it only for
   * the audit, because it does not check access.
   */
  labelsOf(id: string): { readonly namespace: Namespace; readonly accessTags: readonly string[] } | undefined {
    const { records, interning } = this.#deps.state;
    try {
      const row = records.tombstoneOrRecord(id);
      return row && interning.labelSet(row.label_set);
    } catch (error) {
      if (MemoryError.is(error)) return undefined;
      throw error;
    }
  }

  /** Writes the entry for a `remember` that gets the result of an earlier call. Such a call never reaches `apply`. */
  recordDuplicate(by: Actor, id: string): void {
    const { state, audit, clock } = this.#deps;
    const { policy, lastChangeSeq: changeSeq } = state;
    const namespace = this.labelsOf(id)?.namespace;
    void audit.record({
      at: clock.now(),
      by,
      action: 'remember',
      decision: 'allowed',
      namespace,
      touched: [{ namespace, ids: [id] }],
      policyVersion: policy.version,
      rules: namespace === undefined ? [] : this.decidingRules.idsFor(policy, by, 'write', namespace),
      changeSeq,
    });
  }
}
