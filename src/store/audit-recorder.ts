import { DecidingRuleCache } from '../access/authorise';
import type { Audit } from '../audit/audit';
import { MemoryError } from '../domain/errors';
import type { Namespace } from '../domain/namespace';
import type { Actor } from '../domain/principal';
import type { Clock } from '../environment/environment';
import type { StateStore } from '../state/state-store';

/** What recording needs of the store. */
export interface AuditRecorderDeps {
  readonly state: Pick<StateStore, 'records' | 'interning' | 'policy' | 'lastChangeSeq'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
}

/** What the calls of all handles share to write their audit entries. */
export class AuditRecorder {
  /** The ids of the rules that decide about an action. */
  readonly decidingRules = new DecidingRuleCache();
  readonly #deps: AuditRecorderDeps;
  readonly #recordedByApply = new WeakSet<MemoryError>();

  constructor(deps: AuditRecorderDeps) {
    this.#deps = deps;
  }

  /** Remembers a refusal for which `apply` has written the entry. */
  addRecorded(error: MemoryError): void {
    this.#recordedByApply.add(error);
  }

  /** Whether `apply` has written the entry for a refusal. */
  isRecorded(error: MemoryError): boolean {
    return this.#recordedByApply.has(error);
  }

  /**
   * The labels of a memory, or of what is left of a forgotten one. Undefined if there is none, or it is damaged. Only for the audit:
   * access is not checked.
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

  /** Writes the entry of a `remember` that is answered with an earlier result, so that `apply` never sees it. */
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
