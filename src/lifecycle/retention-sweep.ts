import type { DeclaredRetention } from '../access/policy';
import type { Progress } from '../domain/calls';
import type { Retention } from '../domain/declaration';
import type { MemoryKind } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import { nextTurn, pause, type Schedule, startStopwatch } from '../environment/timers';
import type { ReadModel } from '../state/read-model';
import type { ConsolidationResult } from './consolidation-options';
import { type DueMemories, type DueMemory, dueMemories } from './due-memories';

/** What a run has done for one retention. */
export interface RetentionResult {
  /** The id of the retention. */
  id: string;
  at: string[];
  /** The number of memories that it had reached. */
  due: number;
  /** The number of those that were forgotten. */
  forgotten: number;
  /** Only with `then: 'consolidate'`: the number of those that were replaced by facts. In a dry run: that would be. */
  consolidated?: number;
  /** Only with `then: 'consolidate'`: how many of those stay as they are, for each reason. */
  skipped?: ConsolidationResult['skipped'];
}

/** What one retention does. */
export interface RetentionStatus {
  /** The id of the retention. */
  id: string;
  at: string[];
  kind?: MemoryKind;
  maxAgeDays?: number;
  maxMemories?: number;
  /** What happens to the memories that it has reached. */
  retain: Retention['retain'];
  /**
   * The number of memories that it has reached and that are neither forgotten nor consolidated yet. With `maxAgeDays` and 'forget' nobody finds
   * them any more.
   */
  due: number;
}

export interface RetentionSweepDeps {
  readonly model: Parameters<typeof dueMemories>[0] & Pick<ReadModel, 'lastChangeSeq'>;
  now(): number;
  /** Milliseconds since a fixed moment. */
  elapsedMs(): number;
  readonly schedule: Schedule;
  /** Whether nobody else starts the sweeps: the store has no peers. */
  readonly isAlone: boolean;
  /** Forgets those of some memories that a retention has reached, and returns their ids. */
  retire(retention: string, ids: readonly string[]): Promise<readonly string[]>;
  /** Replaces those of some memories that can be consolidated by facts. */
  consolidate(handed: HandedOver, run: SweepRun): Promise<Pick<ConsolidationResult, 'sources' | 'skipped'>>;
  /** Is told when a sweep has failed for the first time. */
  onFailed(error: unknown): void;
}

/** The memories that a retention hands over to consolidation. */
export interface HandedOver {
  /** The namespace of the retention. */
  readonly at: Namespace;
  readonly rows: ReadonlySet<number>;
}

/** A run that somebody waits for. */
export interface SweepRun {
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const checkMs = 15_000;
// A retention that was declared by mistake can be ended before it costs anything.
const graceMs = 60_000;
const retryMs = 60_000;
const maxPauseMs = 100;
// About three milliseconds of work: so long no other call is answered.
const idsPerCommand = 8;
// What only a sweep can judge takes a look at every memory.
const lookMs = 60_000;
// A summarizer may cost money, also for memories of which it makes nothing.
const consolidateMs = 24 * 60 * 60 * 1000;

/**
 * Forgets or consolidates in the background what retentions have reached. Nobody finds what is too old any more, so that a late sweep changes no
 * answer about it. Between two commands it pauses for as long as the command took.
 */
export class RetentionSweep {
  readonly #deps: RetentionSweepDeps;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #notBefore = 0;
  #hasFailed = false;
  #retentionCount: number;
  /** When what only a sweep can judge is due again, and the last change at its latest look. */
  #nextLook = { afterMs: 0, changeSeq: -1, consolidateAfterMs: 0 };

  constructor(deps: RetentionSweepDeps) {
    this.#deps = deps;
    this.#retentionCount = deps.model.columns.retentionCount;
    this.changed();
  }

  /** The rules may have changed. A store without retentions never looks again. */
  changed(): void {
    const { isAlone, model, elapsedMs } = this.#deps;
    const { retentionCount } = model.columns;
    if (retentionCount !== this.#retentionCount) {
      this.#notBefore = elapsedMs() + graceMs;
      this.#nextLook = { afterMs: 0, changeSeq: -1, consolidateAfterMs: 0 };
    }
    this.#retentionCount = retentionCount;
    if (isAlone && model.columns.hasRetention && this.#cancel === undefined) this.#check();
  }

  /** Whether a sweep runs, or must begin now. */
  get isDue(): boolean {
    const { model, now, elapsedMs } = this.#deps;
    if (this.#running !== undefined) return true;
    if (elapsedMs() < this.#notBefore) return false;
    return model.columns.firstEnd <= now() || this.#mustLook() || this.#mustConsolidate();
  }

  #mustLook(): boolean {
    const { model, elapsedMs } = this.#deps;
    const { afterMs, changeSeq } = this.#nextLook;
    if (model.lastChangeSeq === changeSeq || elapsedMs() < afterMs) return false;
    return model.policy.retentions.some(({ declaration: { retain, maxMemories } }) => {
      return retain === 'forget' && maxMemories !== undefined;
    });
  }

  #mustConsolidate(): boolean {
    const { model, elapsedMs } = this.#deps;
    if (elapsedMs() < this.#nextLook.consolidateAfterMs) return false;
    return model.policy.retentions.some(({ declaration }) => declaration.retain === 'consolidate');
  }

  /** Begins a sweep, unless one runs already. */
  start(): void {
    if (this.#running !== undefined || this.#closing.signal.aborted) return;
    this.#running = this.#runInBackground().finally(() => {
      this.#running = undefined;
    });
  }

  /** Forgets or consolidates everything that is due now. With `dryRun` it stores nothing. */
  async run(run: SweepRun & { readonly consolidates?: boolean }): Promise<RetentionResult[]> {
    const { dryRun, signal, consolidates = true } = run;
    const { model } = this.#deps;
    const retentions = [...model.policy.retentions];
    const found = await this.#due(signal);
    const forgotten = dryRun ? new Map<string, number>() : await this.#forget(retentions, found, run);
    const results: RetentionResult[] = [];
    for (const { id, declaration } of retentions) {
      const due = found.get(id) ?? [];
      const result = { id, at: [...declaration.at], due: due.length, forgotten: forgotten.get(id) ?? 0 };
      if (declaration.retain === 'forget') results.push(result);
      else if (consolidates) results.push({ ...result, ...(await this.#consolidate(declaration, due, run)) });
    }
    if (dryRun) return results;
    model.columns.findFirstEnd();
    this.#looked(consolidates);
    return results;
  }

  async #forget(
    retentions: readonly DeclaredRetention[],
    found: DueMemories,
    { signal, onProgress }: SweepRun,
  ): Promise<Map<string, number>> {
    const { retire, elapsedMs } = this.#deps;
    const lists = retentions.flatMap(({ id, declaration: { retain } }) =>
      retain === 'forget' ? [{ id, due: found.get(id) ?? [] }] : [],
    );
    const total = lists.reduce((sum, { due }) => sum + due.length, 0);
    const perSecond = startStopwatch();
    const forgotten = new Map<string, number>();
    let done = 0;
    for (const { id, due } of lists) {
      for (let i = 0; i < due.length; i += idsPerCommand) {
        signal?.throwIfAborted();
        const before = elapsedMs();
        const some = due.slice(i, i + idsPerCommand).map((each) => each.id);
        forgotten.set(id, (forgotten.get(id) ?? 0) + (await retire(id, some)).length);
        done += some.length;
        onProgress?.({ phase: 'retain', done, failed: 0, total, perSecond: (done / perSecond()) * 1000 });
        await nextTurn();
        const keepsAlive = onProgress !== undefined;
        await pause(Math.min(maxPauseMs, elapsedMs() - before), signal, { keepsAlive });
      }
    }
    return forgotten;
  }

  async #consolidate({ at }: Retention, due: readonly DueMemory[], run: SweepRun) {
    if (due.length === 0) return { consolidated: 0, skipped: [] };
    const rows = new Set(due.map(({ row }) => row));
    const { sources, skipped } = await this.#deps.consolidate({ at, rows }, run);
    return { consolidated: sources, skipped };
  }

  #looked(hasConsolidated: boolean): void {
    const { model, elapsedMs } = this.#deps;
    const { consolidateAfterMs } = this.#nextLook;
    this.#nextLook = {
      afterMs: elapsedMs() + lookMs,
      changeSeq: model.lastChangeSeq,
      consolidateAfterMs: hasConsolidated ? elapsedMs() + consolidateMs : consolidateAfterMs,
    };
  }

  /** Counts what each retention has reached. */
  async status(): Promise<RetentionStatus[]> {
    const found = await this.#due(this.#closing.signal);
    return this.#deps.model.policy.retentions.map(({ id, declaration: { retain, ...limits } }) => ({
      id,
      ...limits,
      at: [...limits.at],
      retain,
      due: found.get(id)?.length ?? 0,
    }));
  }

  /** Ends a sweep after the command that it waits for. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancel?.();
    await this.#running;
  }

  #check(): void {
    if (this.#closing.signal.aborted) return;
    if (this.isDue) this.start();
    // Retentions may be declared again later: then `changed` looks again.
    this.#cancel = this.#deps.model.columns.hasRetention
      ? this.#deps.schedule(checkMs, () => this.#check())
      : undefined;
  }

  async #runInBackground(): Promise<void> {
    const { signal } = this.#closing;
    try {
      const results = await this.run({ dryRun: false, signal, consolidates: this.#mustConsolidate() });
      // A damaged memory cannot be forgotten. It is tried again later.
      if (results.some(({ due, forgotten, consolidated }) => consolidated === undefined && forgotten < due))
        this.#notBefore = this.#deps.elapsedMs() + retryMs;
      this.#hasFailed = false;
    } catch (error) {
      if (signal.aborted) return;
      this.#notBefore = this.#deps.elapsedMs() + retryMs;
      if (!this.#hasFailed) this.#deps.onFailed(error);
      this.#hasFailed = true;
    }
  }

  #due(signal: AbortSignal | undefined): Promise<DueMemories> {
    return dueMemories(this.#deps.model, this.#deps.now(), signal);
  }
}
