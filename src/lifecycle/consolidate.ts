import type { FactDraft, SourceGroup, Summarizer } from '../consolidation/summarizer';
import type { NewFact } from '../domain/command';
import { defined } from '../domain/defined';
import { type ErrorCode, MemoryError } from '../domain/errors';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Spending } from '../domain/spending';
import { startStopwatch } from '../environment/timers';
import type { ReadContext } from '../recall/read-context';
import type { MemoryRow } from '../state/tables/memory-row';
import { isOutdated, submit } from '../write/submit';
import type { Author, WriteContext } from '../write/write-context';
import type { ConsolidationResult, GroupPreview, SkipReason } from './consolidation-options';
import { loadGroup, ScopeWords, sourceGroupOf } from './loaded-group';
import { type Grouping, type PlannedGroup, planGroups } from './source-groups';
import { type CheckedSummary, checkSummary, type SummaryBounds, usageOf } from './summary-check';

/** What a consolidation reads and writes with. */
export interface ConsolidationContext {
  /** The latest state for each step, because a call of a model takes seconds. */
  reading(): ReadContext;
  readonly writing: WriteContext;
  readonly author: Author;
}

/** A consolidation, with all defaults filled in. */
export interface ConsolidationRequest {
  readonly selection: ParsedSelection;
  readonly summarizer: Summarizer;
  readonly ratio: number;
  readonly dryRun: boolean;
  readonly grouping: Omit<Grouping, 'maxBytes'>;
  /** Makes the facts if `summarizer` fails, or makes none that can be stored. */
  readonly fallback?: Summarizer;
  /**
   * Reserves what a call of the summarizer may cost. Resolves to a function that is told what it has cost, or to undefined if there is no money
   * left for it.
   */
  reserve?(estimate: Spending): Promise<((cost: Spending) => Promise<void>) | undefined>;
  /** Waits between two groups. */
  between?(): Promise<void>;
  readonly signal?: AbortSignal | undefined;
  onProgress?(progress: { phase: string; done: number; failed: number; total: number; perSecond: number }): void;
}

// A token is at least so many bytes in nearly all texts.
const bytesPerToken = 3;
/** A group takes a few milliseconds to load, and its facts fit into one frame of a cluster. */
const maxGroupBytes = 1_000_000;
const maxPreviews = 100;
// Roughly what a summarizer tells its model besides the sources.
const tokensOfPrompt = 1_000;
const maxFailuresInARow = 3;
/** How often groups are made again whose sources have changed. */
const maxPasses = 3;

/**
 * Replaces memories by facts, group by group. Nothing is locked while a summarizer works: `apply` refuses the facts if one of their sources
 * has changed meanwhile, and the group is made again from what is there now.
 */
export async function consolidate(
  context: ConsolidationContext,
  request: ConsolidationRequest,
): Promise<ConsolidationResult> {
  const run = new ConsolidationRun(context, request);
  const { maxInputTokens } = request.summarizer;
  const maxBytes = Math.min(maxGroupBytes, maxInputTokens * bytesPerToken);
  const grouping = { ...request.grouping, maxBytes };
  for (let pass = 1; pass <= maxPasses; pass++) {
    const { author, reading } = context;
    const plan = await planGroups(reading(), author, request.selection, grouping, request.signal);
    await run.make(plan.groups);
    run.skipped = new Map(plan.skipped);
    if (run.changed === 0) break;
  }
  return run.result();
}

class ConsolidationRun {
  /** Why memories are in no group. */
  skipped = new Map<SkipReason, number>();
  /** The number of memories in groups that have changed in the last pass. */
  changed = 0;
  readonly #context: ConsolidationContext;
  readonly #request: ConsolidationRequest;
  readonly #refused = new Map<string, { readonly reason: SkipReason; readonly count: number }>();
  readonly #result = { groups: 0, sources: 0, facts: 0, bytesBefore: 0, bytesAfter: 0 };
  readonly #usage = { inputTokens: 0, outputTokens: 0 };
  readonly #preview: GroupPreview[] = [];
  readonly #elapsedMs = startStopwatch();

  constructor(context: ConsolidationContext, request: ConsolidationRequest) {
    this.#context = context;
    this.#request = request;
  }

  /** Makes the facts of groups, except those that were refused in an earlier pass and are the same now. */
  async make(groups: readonly PlannedGroup[]): Promise<void> {
    const { signal, onProgress, between } = this.#request;
    const { reading, author } = this.#context;
    this.changed = 0;
    let failures = 0;
    let words = { scope: '', counted: new ScopeWords() };
    for (const [i, group] of groups.entries()) {
      signal?.throwIfAborted();
      const name = nameOf(group);
      if (this.#refused.has(name)) continue;
      // If a model is down, the other groups need not ask it.
      if (failures >= maxFailuresInARow) {
        this.#refused.set(name, { reason: 'failed', count: group.sources.length });
        continue;
      }
      await between?.();
      if (words.scope !== group.scope) {
        const ofScope = groups.filter(({ scope }) => scope === group.scope);
        words = { scope: group.scope, counted: await new ScopeWords().count(reading(), author, ofScope, signal) };
      }
      const reason = await this.#makeOne(group, words.counted);
      const count = group.sources.length;
      if (reason === 'changed') this.changed += count;
      else if (reason !== undefined) this.#refused.set(name, { reason, count });
      failures = reason === 'failed' ? failures + 1 : 0;
      const done = i + 1;
      const perSecond = (done / this.#elapsedMs()) * 1000;
      onProgress?.({ phase: 'consolidate', done, failed: this.#refused.size, total: groups.length, perSecond });
    }
  }

  result(): ConsolidationResult {
    const skipped = new Map(this.skipped);
    const add = (reason: SkipReason, count: number) => skipped.set(reason, (skipped.get(reason) ?? 0) + count);
    for (const { reason, count } of this.#refused.values()) add(reason, count);
    if (this.changed > 0) add('changed', this.changed);
    return {
      ...this.#result,
      usage: { ...this.#usage },
      skipped: [...skipped].map(([reason, count]) => ({ reason, count })),
      ...(this.#request.dryRun ? { preview: this.#preview } : {}),
    };
  }

  /** Returns why nothing was stored. Undefined if the group became facts. */
  async #makeOne(group: PlannedGroup, words: ScopeWords): Promise<SkipReason | undefined> {
    const { summarizer, fallback, ratio, dryRun } = this.#request;
    const reading = this.#context.reading();
    const records = loadGroup(reading, this.#context.author, group);
    if (records === undefined) return 'changed';
    const bytesBefore = records.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    const bounds = { sources: records.length, bytes: bytesBefore, ratio, textBytes: reading.limits.textBytes };
    const sources = sourceGroupOf(reading, records, words);
    let by = summarizer;
    let checked = await this.#summaryOrRetry(sources, bounds);
    if ('refused' in checked && fallback !== undefined) {
      by = fallback;
      checked = await this.#summaryBy(fallback, sources, bounds);
    }
    if ('refused' in checked) return checked.refused;
    const { facts } = checked;
    if (dryRun) this.#addPreview(records, facts);
    else if (!(await this.#store(records, facts, by.name))) return 'changed';
    this.#result.groups++;
    this.#result.sources += records.length;
    this.#result.facts += facts.length;
    this.#result.bytesBefore += bytesBefore;
    this.#result.bytesAfter += checked.bytes;
    return undefined;
  }

  /** Asks the summarizer. A model, which answers differently each time, is asked once more if nothing of its answer can be stored. */
  async #summaryOrRetry(sources: SourceGroup, bounds: SummaryBounds): Promise<CheckedSummary> {
    const before = this.#usage.inputTokens + this.#usage.outputTokens;
    const checked = await this.#summarize(sources, bounds);
    const isOfModel = this.#usage.inputTokens + this.#usage.outputTokens > before;
    if (!isOfModel || !('refused' in checked) || !retryReasons.has(checked.refused)) return checked;
    const again = await this.#summarize(sources, bounds);
    return 'refused' in again && again.refused === 'budget' ? checked : again;
  }

  /** Asks the summarizer, if there is money for it. */
  async #summarize(sources: SourceGroup, bounds: SummaryBounds): Promise<CheckedSummary> {
    const { summarizer, reserve, ratio } = this.#request;
    if (reserve === undefined) return this.#summaryBy(summarizer, sources, bounds);
    const inputTokens = Math.ceil(bounds.bytes / bytesPerToken) + tokensOfPrompt;
    const outputTokens = Math.ceil((bounds.bytes * ratio) / bytesPerToken);
    const settle = await reserve({ calls: 1, inputTokens, outputTokens });
    if (settle === undefined) return { refused: 'budget' };
    const before = { ...this.#usage };
    const checked = await this.#summaryBy(summarizer, sources, bounds);
    const cost = {
      calls: 1,
      inputTokens: Math.ceil(this.#usage.inputTokens - before.inputTokens),
      outputTokens: Math.ceil(this.#usage.outputTokens - before.outputTokens),
    };
    // A call that fails may have cost what was reserved, and so may one that does not say what it has cost.
    if (cost.inputTokens + cost.outputTokens > 0) await settle(cost);
    return checked;
  }

  async #summaryBy(summarizer: Summarizer, sources: SourceGroup, bounds: SummaryBounds): Promise<CheckedSummary> {
    const { ratio, signal } = this.#request;
    let summary: unknown;
    try {
      summary = await summarizer.summarize(sources, { ratio, ...defined({ signal }) });
    } catch (error) {
      if (signal?.aborted) throw error;
      return { refused: 'failed' };
    }
    signal?.throwIfAborted();
    this.#addUsage(summary);
    return checkSummary(summary, bounds);
  }

  /** Stores the facts. Returns false if `apply` refused them because a source has changed. */
  async #store(records: readonly MemoryRow[], facts: readonly FactDraft[], summarizer: string): Promise<boolean> {
    const { writing, author } = this.#context;
    const { signal } = this.#request;
    // Memories that were stored without vectors are not found by their meaning, and neither are their facts.
    const texts = records.some(({ chunks }) => chunks > 0) ? facts.map(({ text }) => text) : [];
    for (;;) {
      const embedded = await writing.embedder.documents(texts, defined({ signal }));
      signal?.throwIfAborted();
      const drafts = facts.map(
        ({ text, from }, i): NewFact => ({
          id: writing.newId(),
          text,
          from: from.map((n) => n - 1),
          ...defined({ embedded: embedded[i] }),
        }),
      );
      const sources = records.map(({ id, revision }) => ({ id, revision }));
      try {
        await submit(writing, author, { type: 'consolidate', sources, facts: drafts, summarizer });
        return true;
      } catch (error) {
        if (embedded.some((each) => isOutdated(writing, each, error))) continue;
        if (MemoryError.is(error) && outdated.has(error.code)) return false;
        throw error;
      }
    }
  }

  #addPreview(records: readonly MemoryRow[], facts: readonly FactDraft[]): void {
    if (this.#preview.length === maxPreviews) return;
    const idOf = (n: number) => records[n - 1]?.id ?? [];
    this.#preview.push({
      sources: records.map(({ id }) => id),
      facts: facts.map(({ text, from }) => ({ text, sources: from.flatMap(idOf) })),
    });
  }

  #addUsage(summary: unknown): void {
    const { inputTokens, outputTokens } = usageOf(summary);
    this.#usage.inputTokens += inputTokens;
    this.#usage.outputTokens += outputTokens;
  }
}

/** The errors with which `apply` refuses a group whose sources, or the rules about them, have changed since they were read. */
/** What a model may do better the second time. */
const retryReasons: ReadonlySet<SkipReason> = new Set(['no-facts', 'not-shorter']);
const outdated: ReadonlySet<ErrorCode> = new Set(['REVISION_CONFLICT', 'NOT_FOUND', 'FORBIDDEN', 'INVALID_INPUT']);

/** Equal for two groups with the same revisions of the same memories. */
function nameOf({ sources }: PlannedGroup): string {
  return sources.map(({ row, revision }) => `${row}.${revision}`).join();
}
