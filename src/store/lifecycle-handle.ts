import type { LongCallOptions } from '../domain/calls';
import type { ErasureState } from '../domain/erasure';
import { parse } from '../domain/parse/shapes';
import type { ConsolidationResult } from '../lifecycle/consolidation-options';
import type { PolicyStatus } from '../lifecycle/consolidation-schedule';
import type { RetentionResult, RetentionStatus } from '../lifecycle/retention-sweep';
import type { AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';
import type { Lifetime } from './lifetime';

/** What the policies of a store have done. */
export interface LifecycleRun {
  /** One result for each consolidation policy, with its namespace. */
  consolidation: { at: string[]; result: ConsolidationResult }[];
  /** One result for each retention. */
  retention: RetentionResult[];
}

/** What the policies of a store do, for its host. */
export interface LifecycleStatus {
  /** One entry for each consolidation policy. */
  consolidation: PolicyStatus[];
  /** One entry for each retention. */
  retention: RetentionStatus[];
  /** How many erasures the store has in each state. One that waits is completed by the end of a legal hold. */
  erasures: Record<ErasureState, number>;
}

/** What happens to memories that nobody writes at the moment: the consolidation policies that were passed to
 * `open`, and the retentions among the declarations. Only the host has it. */
export interface LifecycleHandle {
  /**
   * Runs all policies now, whether or not they are due, and forgets all memories that retentions have reached.
   *
   * @param options With `dryRun: true` nothing is stored, and the results show what would be. The summarizers are called in either case.
   * @throws INVALID_INPUT
   */
  run(options: LongCallOptions & { dryRun: boolean }): Promise<LifecycleRun>;
  /** Says when each policy runs next, what it has done, what its model has cost today, how many memories each retention has reached, and how far erasures are. */
  status(): Promise<LifecycleStatus>;
}

/** The lifecycle of an opened store. */
export class StoreLifecycle implements LifecycleHandle {
  readonly #engine: Pick<Engine, 'consolidation' | 'retention' | 'shapes' | 'reading' | 'writing' | 'state'>;
  readonly #lifetime: Lifetime;
  readonly #calls: AuditedCalls;

  constructor(
    engine: Pick<Engine, 'consolidation' | 'retention' | 'shapes' | 'reading' | 'writing' | 'state'>,
    lifetime: Lifetime,
    calls: AuditedCalls,
  ) {
    this.#engine = engine;
    this.#lifetime = lifetime;
    this.#calls = calls;
  }

  run(options: LongCallOptions & { dryRun: boolean }): Promise<LifecycleRun> {
    return this.#calls.write('lifecycle.run', async (target) => {
      this.#engine.writing();
      const { dryRun, signal, onProgress } = parse(this.#engine.shapes.lifecycleRunOptions, options, 'options');
      signal?.throwIfAborted();
      const signals = [signal, this.#lifetime.ended].filter((each) => each !== undefined);
      const run = { dryRun, signal: AbortSignal.any(signals), ...(onProgress === undefined ? {} : { onProgress }) };
      const consolidation = (await this.#engine.consolidation?.runAll(run)) ?? [];
      const shown = consolidation.flatMap(({ result }) => result.preview?.flatMap(({ sources }) => sources) ?? []);
      if (dryRun) await this.#calls.recordRead('lifecycle.run', target, this.#calls.memoriesOf(...shown));
      const retention = (await this.#engine.retention?.run(run)) ?? [];
      return { consolidation, retention };
    });
  }

  status(): Promise<LifecycleStatus> {
    return this.#calls.read('lifecycle.status', async () => {
      this.#engine.reading();
      return {
        consolidation: this.#engine.consolidation?.status() ?? [],
        retention: (await this.#engine.retention?.status()) ?? [],
        erasures: this.#erasures(),
      };
    });
  }

  #erasures(): Record<ErasureState, number> {
    const counts = { running: 0, waiting: 0, complete: 0 };
    const { erasures } = this.#engine.state;
    for (const each of erasures.all()) counts[erasures.stateOf(each)]++;
    return counts;
  }
}
