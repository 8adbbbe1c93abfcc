import type { Summarizer } from '../consolidation/summarizer';
import { contains, type Namespace } from '../domain/namespace';
import { type DaySpending, dayOf, noSpending, type Spending } from '../domain/spending';
import { nextTurn, pause, type Schedule } from '../environment/timers';
import { type ConsolidationContext, consolidate } from './consolidate';
import type { ConsolidationResult, SkipReason } from './consolidation-options';
import { decidesAbout, type ParsedPolicy } from './consolidation-policy';
import type { Grouping } from './source-groups';

/** A memory that was stored. */
export interface StoredMemory {
  readonly namespace: Namespace;
}

export interface ConsolidationScheduleDeps {
  readonly policies: readonly ParsedPolicy[];
  /** Makes the facts where a policy has no summarizer, or says so for a failure. */
  readonly extractive: Summarizer;
  /** The host's context. */
  readonly context: ConsolidationContext;
  now(): number;
  /** Milliseconds since a fixed moment. */
  elapsedMs(): number;
  readonly schedule: Schedule;
  /** Whether nobody else starts the runs: the store has no peers. */
  readonly isAlone: boolean;
  /** How many memories were stored since the last consolidation, up to a number. */
  storedSince(atMost: number): number;
  spentBy(policy: ParsedPolicy): DaySpending;
  /** Reserves an amount, or gives a part of it back. Returns false if the budget of the day does not allow it. */
  spend(policy: ParsedPolicy, day: number, amount: Spending, isReturn: boolean): Promise<boolean>;
  /** Is told when a run has failed for the first time. */
  onFailed(error: unknown): void;
}

/** Memories that a retention hands over, however old they are. */
export interface HandedOverRows {
  /** The namespace of the retention. */
  readonly at: Namespace;
  takes(row: number): boolean;
}

/** What a run needs besides the policy. */
export interface PolicyRun {
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
  onProgress?: Parameters<typeof consolidate>[1]['onProgress'];
}

/** What one policy does and has done. */
export interface PolicyStatus {
  /** The namespace of the policy. */
  at: string[];
  /** Whether it runs now. */
  isRunning: boolean;
  /** The number of new memories in the namespace after which it runs next. */
  writesUntilRun: number;
  /** When it runs at the latest. Absent if it runs only after writes. */
  nextRunAt?: Date;
  /** What its summarizer's model has cost today (in UTC). */
  spentToday: { calls: number; inputTokens: number; outputTokens: number };
  /** When the last run in this process ended, and what it did. */
  lastRun?: { at: Date; result: ConsolidationResult };
}

interface PolicyState {
  readonly policy: ParsedPolicy;
  writes: number;
  /** When the last run ended or the store was opened. */
  since: number;
  failures: number;
  /** Not before this time, because the summarizer has failed. */
  notBefore: number;
  isRunning: boolean;
  lastRun?: { at: Date; result: ConsolidationResult };
}

/** The memories that a run takes. */
type TakenMemories = Pick<Grouping, 'covers' | 'takes' | 'writtenUpTo'> & { readonly at: Namespace };

const checkMs = 1_000;
const firstBackoffMs = 60_000;
const maxBackoffMs = 60 * 60_000;
const maxPauseMs = 100;
const dayMs = 24 * 60 * 60 * 1000;

/** Consolidates memories in the background, as the policies of the host say. One policy runs at a time, with pauses between its groups. */
export class ConsolidationSchedule {
  readonly #deps: ConsolidationScheduleDeps;
  readonly #states: readonly PolicyState[];
  readonly #closing = new AbortController();
  #cancel: () => void = () => undefined;
  #running: Promise<void> | undefined;

  constructor(deps: ConsolidationScheduleDeps) {
    this.#deps = deps;
    const since = deps.elapsedMs();
    this.#states = deps.policies.map((policy) => {
      const writes = deps.storedSince(policy.everyWrites);
      return { policy, writes, since, failures: 0, notBefore: since, isRunning: false };
    });
    if (deps.isAlone && deps.policies.length > 0) this.#check();
  }

  /** Whether a policy runs, or one must run now. */
  get isDue(): boolean {
    return this.#running !== undefined || this.#states.some((state) => this.#isDue(state));
  }

  /** Counts what was stored. */
  stored(memories: readonly StoredMemory[]): void {
    for (const { namespace } of memories)
      for (const state of this.#states) if (contains(state.policy.at, namespace)) state.writes++;
  }

  /** Starts the policies that are due, unless some run already. */
  start(): void {
    if (this.#running !== undefined || this.#closing.signal.aborted) return;
    this.#running = this.#runDue().finally(() => {
      this.#running = undefined;
    });
  }

  /** Runs every policy now. */
  async runAll(run: PolicyRun): Promise<{ at: string[]; result: ConsolidationResult }[]> {
    const results: { at: string[]; result: ConsolidationResult }[] = [];
    for (const state of this.#states)
      results.push({ at: [...state.policy.at], result: await this.#consolidate(state, run) });
    return results;
  }

  /**
   * Consolidates memories that a retention hands over, each as the policy says that decides about its namespace, and within its budget.
   *
   * @param otherwise The policy where none decides.
   */
  async consolidateHandedOver(
    handed: HandedOverRows,
    otherwise: ParsedPolicy,
    run: PolicyRun,
  ): Promise<Pick<ConsolidationResult, 'sources' | 'skipped'>> {
    const { policies } = this.#deps;
    const isDecided = (namespace: Namespace) => policies.some(({ at }) => contains(at, namespace));
    const near = policies.filter(({ at }) => contains(at, handed.at) || contains(handed.at, at));
    const parts = near.map((policy) => ({
      policy,
      covers: (namespace: Namespace) => decidesAbout(policy, policies, namespace),
    }));
    parts.push({ policy: otherwise, covers: (namespace) => !isDecided(namespace) });
    let sources = 0;
    const skipped = new Map<SkipReason, number>();
    for (const { policy, covers } of parts) {
      const result = await this.#make(policy, run, {
        at: handed.at,
        covers,
        takes: handed.takes,
        writtenUpTo: this.#deps.now(),
      });
      sources += result.sources;
      for (const { reason, count } of result.skipped) skipped.set(reason, (skipped.get(reason) ?? 0) + count);
    }
    return { sources, skipped: [...skipped].map(([reason, count]) => ({ reason, count })) };
  }

  status(): PolicyStatus[] {
    const { elapsedMs, now, spentBy } = this.#deps;
    return this.#states.map(({ policy, isRunning, writes, since, notBefore, lastRun }) => {
      const { everyMs, everyWrites } = policy;
      const { day, ...spent } = spentBy(policy);
      const next = everyMs === undefined ? undefined : Math.max(since + everyMs, notBefore);
      return {
        at: [...policy.at],
        isRunning,
        writesUntilRun: Math.max(0, everyWrites - writes),
        ...(next === undefined ? {} : { nextRunAt: new Date(Math.round(now() + Math.max(0, next - elapsedMs()))) }),
        spentToday: day === dayOf(now()) ? spent : { ...noSpending },
        ...(lastRun === undefined ? {} : { lastRun }),
      };
    });
  }

  /** Ends a run after the group that it stores at the moment. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancel();
    await this.#running;
  }

  #check(): void {
    if (this.#closing.signal.aborted) return;
    if (this.isDue) this.start();
    this.#cancel = this.#deps.schedule(checkMs, () => this.#check());
  }

  #isDue({ policy: { everyMs, everyWrites }, writes, since, notBefore }: PolicyState): boolean {
    const elapsed = this.#deps.elapsedMs();
    if (elapsed < notBefore) return false;
    return writes >= everyWrites || (everyMs !== undefined && elapsed - since >= everyMs);
  }

  async #runDue(): Promise<void> {
    const { signal } = this.#closing;
    for (const state of this.#states) {
      if (signal.aborted || !this.#isDue(state)) continue;
      const { writes } = state;
      try {
        const result = await this.#consolidate(state, { dryRun: false, signal });
        const hasFailed = result.skipped.some(({ reason }) => reason === 'failed');
        // What the day does not allow is due on the next one.
        if (result.skipped.some(({ reason }) => reason === 'budget'))
          this.#putOff(state, dayMs - (this.#deps.now() % dayMs));
        this.#ended(state, hasFailed ? new Error('The summarizer of a consolidation policy has failed.') : undefined);
      } catch (error) {
        if (signal.aborted) return;
        this.#ended(state, error);
      }
      // What was written meanwhile counts for the next run.
      state.writes -= writes;
      state.since = this.#deps.elapsedMs();
    }
  }

  /** After a failure, the next run waits longer and longer. */
  #ended(state: PolicyState, error: unknown): void {
    state.failures = error === undefined ? 0 : state.failures + 1;
    if (error === undefined) return;
    if (state.failures === 1) this.#deps.onFailed(error);
    const backoff = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (state.failures - 1));
    this.#putOff(state, backoff);
  }

  /** Lets a policy run again after this time, whatever is written meanwhile. */
  #putOff(state: PolicyState, ms: number): void {
    state.notBefore = this.#deps.elapsedMs() + ms;
    state.writes += state.policy.everyWrites;
  }

  async #consolidate(state: PolicyState, run: PolicyRun): Promise<ConsolidationResult> {
    const { now, policies } = this.#deps;
    const { policy } = state;
    state.isRunning = true;
    try {
      const result = await this.#make(policy, run, {
        at: policy.at,
        covers: (namespace) => decidesAbout(policy, policies, namespace),
        writtenUpTo: now() - policy.olderThanDays * dayMs,
      });
      if (!run.dryRun) state.lastRun = { at: new Date(now()), result };
      return result;
    } finally {
      state.isRunning = false;
    }
  }

  /** Makes facts from some memories as a policy says. */
  #make(policy: ParsedPolicy, { dryRun, signal, onProgress }: PolicyRun, memories: TakenMemories) {
    const { context, elapsedMs, extractive } = this.#deps;
    const { summarizer, onFailure, ratio, groupBy, minSources, maxSources } = policy;
    const { at, ...taken } = memories;
    let before = elapsedMs();
    return consolidate(context, {
      selection: { scope: { namespace: at }, include: new Set() },
      summarizer: summarizer ?? extractive,
      ratio,
      dryRun,
      grouping: { groupBy, minSources, maxSources, facts: false, ...taken },
      ...(onFailure === 'skip' ? {} : { fallback: extractive }),
      ...(policy.budget === undefined ? {} : { reserve: (estimate) => this.#reserve(policy, estimate) }),
      // As long as the group took, so that other work has half of the processor.
      between: async () => {
        await nextTurn();
        await pause(Math.min(maxPauseMs, elapsedMs() - before), signal, { keepsAlive: onProgress !== undefined });
        before = elapsedMs();
      },
      signal,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  }

  /** Reserves what a call may cost. The returned function gives back what it has not cost. Undefined if the budget is spent. */
  async #reserve(policy: ParsedPolicy, estimate: Spending) {
    const { spend, now } = this.#deps;
    const day = dayOf(now());
    if (!(await spend(policy, day, estimate, false))) return undefined;
    return async (cost: Spending) => {
      const back = differenceOf(cost, estimate);
      await spend(policy, day, back, true);
    };
  }
}

/** What a call has cost, minus what was reserved for it. */
function differenceOf(cost: Spending, reserved: Spending): Spending {
  return {
    calls: cost.calls - reserved.calls,
    inputTokens: cost.inputTokens - reserved.inputTokens,
    outputTokens: cost.outputTokens - reserved.outputTokens,
  };
}
