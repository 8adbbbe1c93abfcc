import type { LongCallOptions } from '../domain/calls';
import { parse } from '../domain/parse/shapes';
import type { ConsolidationResult } from '../lifecycle/consolidation-options';
import type { PolicyStatus } from '../lifecycle/consolidation-schedule';
import type { AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';
import type { Lifetime } from './lifetime';

/** What the policies of a store have done. */
export interface LifecycleRun {
  /** One result for each consolidation policy, with its namespace. */
  consolidation: { at: string[]; result: ConsolidationResult }[];
}

/** What the policies of a store do, for its host. */
export interface LifecycleStatus {
  /** One entry for each consolidation policy. */
  consolidation: PolicyStatus[];
}

/** What happens to memories that nobody writes at the moment: the policies that were passed to `open`. Only the host has it. */
export interface LifecycleHandle {
  /**
   * Runs all policies now, whether or not they are due.
   *
   * @param options With `dryRun: true` nothing is stored, and the results show what would be. The summarizers are called in either case.
   * @throws INVALID_INPUT
   */
  run(options: LongCallOptions & { dryRun: boolean }): Promise<LifecycleRun>;
  /** Says when each policy runs next, what it has done, and what its model has cost today. */
  status(): Promise<LifecycleStatus>;
}

/** The lifecycle of an opened store. */
export class StoreLifecycle implements LifecycleHandle {
  readonly #engine: Pick<Engine, 'consolidation' | 'shapes' | 'writing'>;
  readonly #lifetime: Lifetime;
  readonly #calls: AuditedCalls;

  constructor(engine: Pick<Engine, 'consolidation' | 'shapes' | 'writing'>, lifetime: Lifetime, calls: AuditedCalls) {
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
      return { consolidation };
    });
  }

  status(): Promise<LifecycleStatus> {
    return this.#calls.read('lifecycle.status', () => ({ consolidation: this.#engine.consolidation?.status() ?? [] }));
  }
}
