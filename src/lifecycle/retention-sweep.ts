import type { DeclaredRetention } from '../access/policy';
import type { Progress } from '../domain/calls';
import type { MemoryKind } from '../domain/memory';
import { nextTurn, pause, type Schedule, startStopwatch } from '../environment/timers';
import type { ReadModel } from '../state/read-model';

/** What a run has done for one retention. */
export interface RetentionResult {
  /** The id of the retention. */
  id: string;
  at: string[];
  /** The number of memories that it had reached. Nobody finds them any more. */
  due: number;
  /** The number of those that were forgotten. */
  forgotten: number;
}

/** What one retention does. */
export interface RetentionStatus {
  /** The id of the retention. */
  id: string;
  at: string[];
  kind?: MemoryKind;
  maxAgeDays: number;
  /** The number of memories that it has reached and that are not forgotten yet. Nobody finds them any more. */
  due: number;
}

export interface RetentionSweepDeps {
  readonly model: Pick<ReadModel, 'columns' | 'policy' | 'endedRow'>;
  now(): number;
  /** Milliseconds since a fixed moment. */
  elapsedMs(): number;
  readonly schedule: Schedule;
  /** Whether nobody else starts the sweeps: the store has no peers. */
  readonly isAlone: boolean;
  /** Forgets those of some memories that a retention has reached, and returns their ids. */
  retire(retention: string, ids: readonly string[]): Promise<readonly string[]>;
  /** Is told when a sweep has failed for the first time. */
  onFailed(error: unknown): void;
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
const rowsPerTurn = 1_000;

/**
 * Forgets in the background what retentions have reached. Nobody finds these memories any more, so that a late sweep changes no answer.
 * Between two commands it pauses for as long as the command took.
 */
export class RetentionSweep {
  readonly #deps: RetentionSweepDeps;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #notBefore = 0;
  #hasFailed = false;
  #retentionCount: number;

  constructor(deps: RetentionSweepDeps) {
    this.#deps = deps;
    this.#retentionCount = deps.model.columns.retentionCount;
    this.changed();
  }

  /** The rules may have changed. A store without retentions never looks again. */
  changed(): void {
    const { isAlone, model, elapsedMs } = this.#deps;
    const { retentionCount } = model.columns;
    if (retentionCount !== this.#retentionCount) this.#notBefore = elapsedMs() + graceMs;
    this.#retentionCount = retentionCount;
    if (isAlone && model.columns.hasRetention && this.#cancel === undefined) this.#check();
  }

  /** Whether a sweep runs, or must begin now. */
  get isDue(): boolean {
    const { model, now, elapsedMs } = this.#deps;
    return this.#running !== undefined || (model.columns.firstEnd <= now() && elapsedMs() >= this.#notBefore);
  }

  /** Begins a sweep, unless one runs already. */
  start(): void {
    if (this.#running !== undefined || this.#closing.signal.aborted) return;
    this.#running = this.#runInBackground().finally(() => {
      this.#running = undefined;
    });
  }

  /** Forgets everything that is due now. With `dryRun` it only counts. */
  async run({ dryRun, signal, onProgress }: SweepRun): Promise<RetentionResult[]> {
    const { model, retire, elapsedMs } = this.#deps;
    const found = await this.#due(signal);
    const total = [...found.values()].reduce((sum, ids) => sum + ids.length, 0);
    const perSecond = startStopwatch();
    let done = 0;
    const results = new Map(
      model.policy.retentions.map(({ id, declaration }) => [
        id,
        { id, at: [...declaration.at], due: found.get(id)?.length ?? 0, forgotten: 0 },
      ]),
    );
    if (dryRun) return [...results.values()];
    for (const [retention, ids] of found) {
      for (let i = 0; i < ids.length; i += idsPerCommand) {
        signal?.throwIfAborted();
        const before = elapsedMs();
        const some = ids.slice(i, i + idsPerCommand);
        const result = results.get(retention);
        const forgotten = await retire(retention, some);
        if (result !== undefined) result.forgotten += forgotten.length;
        done += some.length;
        onProgress?.({ phase: 'retain', done, failed: 0, total, perSecond: (done / perSecond()) * 1000 });
        await nextTurn();
        const keepsAlive = onProgress !== undefined;
        await pause(Math.min(maxPauseMs, elapsedMs() - before), signal, { keepsAlive });
      }
    }
    model.columns.findFirstEnd();
    return [...results.values()];
  }

  /** Counts what each retention has reached. */
  async status(): Promise<RetentionStatus[]> {
    const found = await this.#due(this.#closing.signal);
    return this.#deps.model.policy.retentions.map(({ id, declaration }) => ({
      id,
      ...limitsOf(declaration),
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
      const results = await this.run({ dryRun: false, signal });
      // A damaged memory cannot be forgotten. It is tried again later.
      if (results.some(({ due, forgotten }) => forgotten < due)) this.#notBefore = this.#deps.elapsedMs() + retryMs;
      this.#hasFailed = false;
    } catch (error) {
      if (signal.aborted) return;
      this.#notBefore = this.#deps.elapsedMs() + retryMs;
      if (!this.#hasFailed) this.#deps.onFailed(error);
      this.#hasFailed = true;
    }
  }

  /** The ids of the memories whose time is over, by the retention that has ended it. */
  async #due(signal: AbortSignal | undefined): Promise<Map<string, string[]>> {
    const { model, now } = this.#deps;
    const { columns } = model;
    const found = new Map<string, string[]>();
    if (!columns.hasRetention) return found;
    const at = now();
    let looked = 0;
    for (let row = 1; row <= columns.last; row++) {
      if (columns.isKept(row, at)) continue;
      if (++looked % rowsPerTurn === 0) await nextTurn();
      signal?.throwIfAborted();
      const ended = model.endedRow(row, at);
      if (ended === undefined) continue;
      const ids = found.get(ended.retention);
      if (ids === undefined) found.set(ended.retention, [ended.id]);
      else ids.push(ended.id);
    }
    return found;
  }
}

function limitsOf({ at, kind, maxAgeDays }: DeclaredRetention['declaration']) {
  return { at: [...at], ...(kind === undefined ? {} : { kind }), maxAgeDays };
}
