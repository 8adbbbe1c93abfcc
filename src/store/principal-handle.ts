import type { CallOptions, LongCallOptions, ReadOptions } from '../domain/calls';
import type { LabelChange, UndoneConsolidation, WriteRequest } from '../domain/command';
import { defined } from '../domain/defined';
import { invalidInput } from '../domain/errors';
import type { WithheldMemory } from '../domain/hold';
import type { Metadata } from '../domain/json';
import type { Hit, Memory, MemoryChange, NewMemory, RememberResult } from '../domain/memory';
import { isEmpty, parsedScopeOf, selectionOf } from '../domain/parse/parse-selection';
import { expected, parse, parseAll, queryVectorOf } from '../domain/parse/shapes';
import type { Actor } from '../domain/principal';
import { isPlainObject } from '../domain/realms';
import { type Caller, copyOfScope, emptyScope, narrowScope, outsideScope, type ParsedScope } from '../domain/scope';
import { includedStates, type Scope, type Selection } from '../domain/selection';
import { isShortId } from '../domain/short-id';
import type { ExportLine, SubjectExportOptions } from '../domain/subject-export';
import { unit } from '../embedding/results';
import { startStopwatch } from '../environment/timers';
import type { ConsolidateOptions, ConsolidationResult } from '../lifecycle/consolidation-options';
import * as changes from '../recall/changes';
import type { ConflictsPage } from '../recall/conflicts';
import { derivedFrom, sourcesOf } from '../recall/derivations';
import type { DuplicatesPage } from '../recall/duplicates';
import { get } from '../recall/get';
import * as listing from '../recall/list';
import { recall } from '../recall/recall';
import { mayLearnId, withoutHiddenLinks } from '../recall/recheck';
import { likelyRelevance } from '../recall/score';
import { ambiguousId, memoriesWithShortId } from '../recall/short-id';
import type { ScanRequest } from '../recall/statement-scan';
import { startOfWatch, watch } from '../recall/watch';
import { forgetTargets, updateTarget } from '../recall/write-targets';
import { endorse, share, undoConsolidation, update } from '../write/change';
import { forget, forgetAll } from '../write/forget';
import { remember } from '../write/remember';
import { type BatchResult, rememberAll, rememberEach } from '../write/remember-many';
import type { Author } from '../write/write-context';
import { type AccessHandle, type AccessHandleDeps, PrincipalAccess } from './access-handle';
import { type AuditHandle, type AuditHandleDeps, PrincipalAudit } from './audit-handle';
import { AuditedCalls, type AuditedCallsDeps, type CallTarget } from './audited-calls';
import type { Engine } from './composition/engine';
import { defaultMaxSources, defaultMinSources, defaultRatio } from './consolidation-shapes';
import type { Lifetime } from './lifetime';
import { ListQuery } from './list-query';
import type {
  ComparisonOptions,
  ConsolidationSelection,
  EndorseOptions,
  ForgetResult,
  HandleStats,
  HistoryOptions,
  ListOptions,
  MemoryHandle,
  MemoryPage,
  MemoryPatch,
  RecallOptions,
} from './memory-handle';
import type { ReadWait } from './read-levels';

const defaultTopK = 10;
const defaultListLimit = 100;
const defaultBatchSize = 256;

/** The parts of the store that a handle needs. */
export type HandleDeps = AccessHandleDeps &
  AuditHandleDeps &
  AuditedCallsDeps &
  Pick<Engine, 'levels' | 'events' | 'changed' | 'limits' | 'quotas' | 'summarizer'>;

/** The handle for one principal in one scope. It checks the arguments of each call and passes them on. */
export class PrincipalHandle<M = Metadata> implements MemoryHandle<M> {
  readonly scope: Readonly<Scope>;
  readonly access: AccessHandle;
  readonly audit: AuditHandle;
  readonly #engine: HandleDeps;
  readonly #lifetime: Lifetime;
  readonly #caller: Author;
  readonly #calls: AuditedCalls;

  /** @param request Identifies the write that another process requested, if this handle is made for such a write. */
  constructor(engine: HandleDeps, lifetime: Lifetime, actor: Actor, scope: ParsedScope, request?: WriteRequest) {
    this.#engine = engine;
    this.#lifetime = lifetime;
    const caller: Caller = { actor, scope };
    this.#caller = request === undefined ? caller : { ...caller, request };
    this.scope = copyOfScope(scope);
    this.#calls = new AuditedCalls(engine, lifetime, this.#caller);
    this.access = new PrincipalAccess(engine, this.#calls, this.#caller);
    this.audit = new PrincipalAudit(engine, this.#calls, this.#caller);
  }

  remember(text: string, options: Omit<NewMemory<M>, 'text'> & CallOptions = {}): Promise<RememberResult> {
    const run = async (target: CallTarget) => {
      const context = this.#engine.writing();
      const { limits, shapes } = this.#engine;
      const input: { text: unknown; namespace?: unknown } = { ...asObject(options), text };
      // A copy, because the caller may change the array before the refusal is recorded. A longer one is refused.
      const given = Array.isArray(input.namespace) ? input.namespace.slice(0, limits.namespaceDepth + 1) : undefined;
      try {
        return await remember(context, this.#caller, input);
      } catch (error) {
        target.namespace = shapes.namespaceOnly.safeParse({ namespace: given }).data?.namespace ?? target.namespace;
        throw error;
      }
    };
    return this.#calls.change('remember', run, ({ outcome }) => outcome === 'duplicate');
  }

  rememberMany(
    items: Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>,
    options: LongCallOptions & { atomic?: boolean; batchSize?: number } = {},
  ): Promise<BatchResult> {
    return this.#calls.write('remember', async (target) => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsed] = parseAll([shapes.rememberManyOptions, options], [shapes.items, items, ['items']]);
      const { batchSize = defaultBatchSize, atomic, signal, onProgress } = parsed;
      const many = { batchSize, ends: this.#endsWith(signal), ...defined({ signal, onProgress }) };
      const result = await (atomic ? rememberAll : rememberEach)(context, this.#caller, items, many);
      // `apply` records each item that reached it. All items that were refused earlier share one entry.
      const refused = result.results.find((each) => !each.ok && !this.#engine.recorder.isRecorded(each.error));
      if (refused?.ok === false) await this.#calls.recordRefusal('remember', target, refused.error);
      return result;
    });
  }

  recall(query: string, options: RecallOptions<M> = {}): Promise<Hit<M>[]> {
    // Two schemas check the options. Both get the same copy, so that a getter cannot return different values to them.
    const copied = isPlainObject(options) ? { ...options } : options;
    const run = async (target: CallTarget): Promise<Hit<M>[]> => {
      const context = this.#engine.reading();
      const elapsedMs = startStopwatch();
      const { shapes } = this.#engine;
      const [text, parsed] = parseAll(
        [shapes.query, query, ['query']],
        [shapes.recallOptions, copied],
        [queryVectorOf(context.embedder.space.dimensions), copied],
      );
      target.namespace = parsed.namespace ?? target.namespace;
      await this.#reached(parsed);
      const hits = await recall(context, this.#caller, {
        query: text,
        selection: selectionOf(parsed),
        topK: parsed.topK ?? defaultTopK,
        mode: parsed.mode ?? 'hybrid',
        threshold: parsed.threshold === 'likely' ? 0 : (parsed.threshold ?? 0),
        leastRelevance: parsed.threshold === 'likely' ? likelyRelevance[parsed.mode ?? 'hybrid'] : 0,
        context: parsed.context ?? true,
        explain: parsed.explain ?? false,
        maxPerSource: parsed.maxPerSource,
        distinct: parsed.distinct === false ? undefined : (parsed.distinct ?? 'exact'),
        maxBytes: parsed.maxBytes && Math.min(parsed.maxBytes, context.limits.answerBytes),
        vector: parsed.vector && unit(parsed.vector),
        timeZone: parsed.time === false ? undefined : (parsed.timeZone ?? 'UTC'),
        signal: parsed.signal,
      });
      this.#engine.events.emit('recalled', { hits: hits.length, tookMs: elapsedMs() });
      return hits as Hit<M>[];
    };
    return this.#calls.read('recall', run, (hits) => hits);
  }

  get(id: Parameters<MemoryHandle<M>['get']>[0], options: ReadOptions = {}): Promise<Memory<M> | undefined> {
    const run = async (target: CallTarget): Promise<Memory<M> | undefined> => {
      const { shapes } = this.#engine;
      const [address, call] = parseAll([shapes.address, id, ['id']], [shapes.readOptions, options]);
      const { signal } = call;
      if (typeof address === 'string') target.ids = [address];
      else target.namespace = address.namespace;
      signal?.throwIfAborted();
      const reached = this.#reached(call);
      if (reached !== undefined) await reached;
      const context = this.#engine.reading();
      let memory = get(context, this.#caller, address);
      if (memory === undefined && typeof address === 'string' && isShortId(address)) {
        const found = await memoriesWithShortId(context, this.#caller, address, signal);
        if (found.length > 1) {
          // The error names these memories, so the audit does too.
          target.ids = found.map(({ id }) => id);
          throw ambiguousId(address, found);
        }
        [memory] = found;
      }
      target.missing = memory === undefined;
      return memory as Memory<M> | undefined;
    };
    return this.#calls.read('get', run, (memory) => (memory === undefined ? [] : [memory]));
  }

  history(id: string, options: HistoryOptions = {}): ReturnType<MemoryHandle<M>['history']> {
    const run = async (target: CallTarget): Promise<(changes.Revision & MemoryChange<M>)[]> => {
      const { shapes } = this.#engine;
      const [parsedId, call] = parseAll([shapes.id, id, ['id']], [shapes.historyOptions, options]);
      const { signal, consistency, ...part } = call;
      target.ids = [parsedId];
      signal?.throwIfAborted();
      await this.#reached({ signal, consistency });
      const revisions = await changes.history(this.#engine.reading(), this.#caller, parsedId, part);
      target.missing = revisions.length === 0;
      return revisions as (changes.Revision & MemoryChange<M>)[];
    };
    return this.#calls.read('history', run, ([first]) => this.#calls.memoriesOf(first?.id));
  }

  list(options: ListOptions<M> = {}): ListQuery<Memory<M>, MemoryPage<M>> {
    const readPage = async (target: CallTarget, cursor: string | undefined): Promise<MemoryPage<M>> => {
      const given = cursor === undefined ? options : { ...options, cursor };
      const parsed = parse(this.#engine.shapes.listOptions, given, 'options');
      target.namespace = parsed.namespace ?? target.namespace;
      parsed.signal?.throwIfAborted();
      await this.#reached(parsed);
      const context = this.#engine.reading();
      const page = await listing.list(context, this.#caller, {
        selection: selectionOf(parsed),
        limit: parsed.limit ?? defaultListLimit,
        maxBytes: Math.min(parsed.maxBytes ?? Number.POSITIVE_INFINITY, context.limits.answerBytes),
        cursor: parsed.cursor,
        orderBy: parsed.orderBy ?? 'createdAt',
        order: parsed.order ?? 'newest',
        signal: parsed.signal,
      });
      return page as MemoryPage<M>;
    };
    return new ListQuery(
      (cursor) =>
        this.#calls.read(
          'list',
          (target) => readPage(target, cursor),
          ({ items }) => items,
        ),
      {
        version: () => this.#engine.version(),
        refresh: (memory) => listing.relist(this.#engine.reading(), this.#caller, memory) as Memory<M> | undefined,
        settled: () => this.#engine.settled(),
      },
    );
  }

  count(options: Selection<M> & ReadOptions = {}): Promise<number> {
    return this.#calls.read('count', async (target) => {
      const parsed = parse(this.#engine.shapes.countOptions, options, 'selection');
      target.namespace = parsed.namespace ?? target.namespace;
      parsed.signal?.throwIfAborted();
      await this.#reached(parsed);
      return listing.count(this.#engine.reading(), this.#caller, selectionOf(parsed), parsed.signal);
    });
  }

  namespaces(options: Parameters<MemoryHandle<M>['namespaces']>[0] = {}): ReturnType<MemoryHandle<M>['namespaces']> {
    return this.#calls.read('namespaces', async (target) => {
      const parsed = parse(this.#engine.shapes.namespacesOptions, options, 'options');
      const { within, maxDepth, limit, after, signal, consistency, ...rest } = parsed;
      target.namespace = within ?? target.namespace;
      signal?.throwIfAborted();
      await this.#reached({ signal, consistency });
      const selection = selectionOf({ ...rest, ...defined({ namespace: within }) });
      return listing.namespaces(this.#engine.reading(), this.#caller, selection, {
        maxDepth,
        limit,
        after,
        signal,
      });
    });
  }

  update(id: string, patch: MemoryPatch<M>, options: CallOptions & { ifRevision?: number } = {}): Promise<Memory<M>> {
    return this.#calls.change('update', async (target) => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsedId, parsedPatch, parsedOptions] = parseAll(
        [shapes.id, id, ['id']],
        [shapes.patch, patch, ['patch']],
        [shapes.changeOptions, options],
      );
      target.ids = [parsedId];
      const current = updateTarget(this.#engine.reading(), this.#caller, parsedId, parsedOptions.ifRevision);
      const updated = await update(context, this.#caller, current, parsedPatch, parsedOptions);
      return this.#withoutHiddenLinks(updated);
    });
  }

  share(id: string, change: LabelChange, options: CallOptions & { ifRevision?: number } = {}): Promise<Memory<M>> {
    return this.#calls.change('share', async () => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsedId, parsedChange, parsedOptions] = parseAll(
        [shapes.id, id, ['id']],
        [shapes.labelChange, change, ['change']],
        [shapes.changeOptions, options],
      );
      return this.#withoutHiddenLinks(await share(context, this.#caller, parsedId, parsedChange, parsedOptions));
    });
  }

  endorse(id: string, options: EndorseOptions): Promise<Memory<M>> {
    return this.#calls.change('endorse', async () => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsedId, { as, ...parsed }] = parseAll(
        [shapes.id, id, ['id']],
        [shapes.endorseOptions, options, ['options']],
      );
      return this.#withoutHiddenLinks(await endorse(context, this.#caller, parsedId, as, parsed));
    });
  }

  forget(id: string, options: CallOptions & { ifRevision?: number } = {}): Promise<boolean> {
    return this.#calls.change('forget', async () => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsedId, parsedOptions] = parseAll([shapes.id, id, ['id']], [shapes.changeOptions, options]);
      if (!this.#isEnded(parsedId)) return forget(context, this.#caller, parsedId, parsedOptions);
      // Nobody finds it, so that the answer does not tell of it. But the retention that has reached it may end.
      await forget(context, this.#caller, parsedId, { signal: parsedOptions.signal });
      return false;
    });
  }

  /** Whether a retention has reached a memory. */
  #isEnded(id: string): boolean {
    const { state, clock } = this.#engine.reading();
    if (!state.columns.hasRetention) return false;
    const record = state.records.unchecked(id);
    return record !== undefined && !state.columns.isKept(record.row, clock.now());
  }

  forgetWhere(selection: Selection<M>, options: LongCallOptions & { dryRun: boolean }): Promise<ForgetResult> {
    return this.#calls.write('forgetWhere', async (target) => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [fields, { dryRun, ...call }] = parseAll(
        [shapes.forgetSelection, selection],
        [shapes.forgetWhereOptions, options, ['options']],
      );
      const parsed = selectionOf(fields);
      if (isEmpty(parsed)) {
        const message = 'expected at least one condition, got a selection that matches every memory.';
        throw invalidInput([{ path: [], message }], 'selection');
      }
      call.signal?.throwIfAborted();
      const inEveryState = { ...parsed, include: new Set(includedStates) };
      target.namespace = fields.namespace ?? target.namespace;
      await this.#reached(call);
      const reading = this.#engine.reading();
      const { matched, targets, ended } = await forgetTargets(reading, this.#caller, inEveryState, call.signal);
      const ids = targets.map(({ id }) => id);
      // No command reaches `apply` in these cases. But the result shows which memories match, so the call is recorded as a read.
      if (dryRun || ids.length === 0) {
        const named = targets.flatMap(({ id, labels }) => (labels === undefined ? [] : [{ id, ...labels }]));
        await this.#calls.recordRead('forgetWhere', target, named);
      }
      if (dryRun) return { matched, forgotten: 0, ids };
      const forgotten = await forgetAll(context, this.#caller, ids, call);
      await forgetAll(context, this.#caller, ended, { signal: call.signal });
      return { matched, forgotten: forgotten.length, ids: forgotten };
    });
  }

  consolidate(selection: ConsolidationSelection<M>, options: ConsolidateOptions): Promise<ConsolidationResult> {
    return this.#calls.write('consolidate', async (target) => {
      const writing = this.#engine.writing();
      const { shapes } = this.#engine;
      const [fields, parsed] = parseAll(
        [shapes.consolidateSelection, selection, ['selection']],
        [shapes.consolidateOptions, options, ['options']],
      );
      target.namespace = fields.namespace ?? target.namespace;
      parsed.signal?.throwIfAborted();
      await this.#reached({ signal: parsed.signal });
      const { signal, onProgress } = parsed;
      const context = { reading: () => this.#engine.reading(), writing, author: this.#caller };
      const { consolidate } = await import('../lifecycle/consolidate');
      const result = await consolidate(context, {
        selection: selectionOf(fields),
        summarizer: parsed.summarizer ?? this.#engine.summarizer,
        ratio: parsed.ratio ?? defaultRatio,
        dryRun: parsed.dryRun,
        grouping: {
          groupBy: parsed.groupBy ?? ['session'],
          minSources: parsed.minSources ?? defaultMinSources,
          maxSources: parsed.maxSources ?? defaultMaxSources,
          facts: parsed.facts ?? false,
          writtenUpTo: Number.POSITIVE_INFINITY,
        },
        ...defined({ signal, onProgress }),
      });
      // No command reaches `apply` in these cases. But the result tells of memories, so the call is recorded as a read.
      if (result.groups === 0 || parsed.dryRun) {
        const shown = result.preview?.flatMap(({ sources }) => sources) ?? [];
        await this.#calls.recordRead('consolidate', target, this.#calls.memoriesOf(...shown));
      }
      return result;
    });
  }

  sources(id: string, options: ReadOptions = {}): Promise<Memory<M>[]> {
    return this.#related('sources', sourcesOf, id, options);
  }

  derived(id: string, options: ReadOptions = {}): Promise<Memory<M>[]> {
    return this.#related('derived', derivedFrom, id, options);
  }

  undoConsolidation(id: string, options: CallOptions = {}): Promise<UndoneConsolidation> {
    return this.#calls.change('undoConsolidation', async () => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsedId, { signal }] = parseAll([shapes.id, id, ['id']], [shapes.callOptions, options]);
      return undoConsolidation(context, this.#caller, parsedId, signal);
    });
  }

  duplicates(options: ComparisonOptions<M> = {}): Promise<DuplicatesPage<M>> {
    const run = async (target: CallTarget): Promise<DuplicatesPage<M>> => {
      const request = await this.#comparison(target, options);
      const { duplicates } = await import('../recall/duplicates');
      return (await duplicates(this.#engine.reading(), this.#caller, request)) as DuplicatesPage<M>;
    };
    return this.#calls.read('duplicates', run, ({ groups }) => groups.flatMap(({ memories }) => memories));
  }

  conflicts(options: ComparisonOptions<M> = {}): Promise<ConflictsPage<M>> {
    const run = async (target: CallTarget): Promise<ConflictsPage<M>> => {
      const request = await this.#comparison(target, options);
      const { conflicts } = await import('../recall/conflicts');
      return (await conflicts(this.#engine.reading(), this.#caller, request)) as ConflictsPage<M>;
    };
    return this.#calls.read('conflicts', run, (page) => page.conflicts.flatMap(({ newer, older }) => [newer, older]));
  }

  watch(options: Parameters<MemoryHandle<M>['watch']>[0] = {}): AsyncIterable<MemoryChange<M>> {
    this.#lifetime.assertOpen();
    try {
      return this.#watch(options);
    } catch (error) {
      const target = { namespace: this.#caller.scope.namespace, ids: [], missing: false };
      void this.#calls.recordRefusal('watch', target, error);
      throw error;
    }
  }

  async *exportSubject(subject: { userId: string }, options: SubjectExportOptions = {}): AsyncGenerator<ExportLine> {
    const { shapes } = this.#engine;
    const exported = await this.#calls.read('exportSubject', async () => {
      const [{ userId }, { others = 'pseudonyms', signal }] = parseAll(
        [shapes.subject, subject, ['subject']],
        [shapes.subjectExportOptions, options, ['options']],
      );
      const { SubjectExport } = await import('./subject-export');
      const parts = { calls: this.#calls, caller: this.#caller, access: this.access };
      return SubjectExport.begin(this.#engine, parts, { userId, others, signal });
    });
    yield* exported.lines();
  }

  withheld(options: Parameters<MemoryHandle<M>['withheld']>[0] = {}): Promise<WithheldMemory<M>[]> {
    const run = async (): Promise<WithheldMemory[]> => {
      const { shapes } = this.#engine;
      const { signal, after, limit = defaultListLimit } = parse(shapes.withheldOptions, options, 'options');
      signal?.throwIfAborted();
      await this.#reached({ signal });
      const { withheldMemories } = await import('./withheld');
      return withheldMemories(this.#engine, this.#caller, { after, limit });
    };
    const named = ({ revisions }: WithheldMemory) => revisions.slice(-1);
    return this.#calls.read('withheld', run, (found) => found.flatMap(named)) as Promise<WithheldMemory<M>[]>;
  }

  stats(options: ReadOptions = {}): Promise<HandleStats> {
    return this.#calls.read('stats', async () => {
      const call = parse(this.#engine.shapes.readOptions, options, 'options');
      call.signal?.throwIfAborted();
      await this.#reached(call);
      const namespaces = await listing.namespaces(this.#engine.reading(), this.#caller, selectionOf({}), {
        maxBytes: Number.POSITIVE_INFINITY,
      });
      const quotas = this.#engine.quotas?.useOf(this.#caller.actor);
      return {
        memories: namespaces.reduce((sum, { count }) => sum + count, 0),
        namespaces: namespaces.length,
        ...defined({ quotas }),
      };
    });
  }

  within(scope: Scope): MemoryHandle<M> {
    const narrowed = narrowScope(this.#caller.scope, parse(this.#engine.shapes.scope, scope, 'scope'));
    if (narrowed === emptyScope) throw outsideScope();
    return new PrincipalHandle(this.#engine, this.#lifetime, this.#caller.actor, narrowed);
  }

  async #comparison(target: CallTarget, options: ComparisonOptions<M>): Promise<ScanRequest> {
    const parsed = parse(this.#engine.shapes.comparisonOptions, options, 'options');
    const { limit = defaultListLimit, cursor, signal, onProgress, consistency, ...selection } = parsed;
    target.namespace = parsed.namespace ?? target.namespace;
    signal?.throwIfAborted();
    await this.#reached({ signal, consistency });
    return { selection: selectionOf(selection), limit, cursor, signal, onProgress };
  }

  #related(action: string, read: typeof sourcesOf, id: string, options: ReadOptions): Promise<Memory<M>[]> {
    const run = async (target: CallTarget): Promise<Memory<M>[]> => {
      const { shapes } = this.#engine;
      const [parsedId, call] = parseAll([shapes.id, id, ['id']], [shapes.readOptions, options]);
      target.ids = [parsedId];
      call.signal?.throwIfAborted();
      await this.#reached(call);
      const memories = read(this.#engine.reading(), this.#caller, parsedId);
      if (memories.length === 0) target.missing = get(this.#engine.reading(), this.#caller, parsedId) === undefined;
      return memories as Memory<M>[];
    };
    return this.#calls.read(action, run, (memories) => memories);
  }

  #watch(options: object): AsyncIterable<MemoryChange<M>> {
    const { since = 'now', signal, ...given } = parse(this.#engine.shapes.watchOptions, options, 'options');
    const context = this.#engine.reading();
    const scope = narrowScope(this.#caller.scope, parsedScopeOf(given));
    // Each change is recorded when it is delivered; this entry is there even if none is.
    void this.#calls.recordRead('watch', { namespace: scope === emptyScope ? undefined : scope.namespace }, []);
    if (scope === emptyScope) return (async function* () {})();
    const caller: Caller = { ...this.#caller, scope };
    const start = startOfWatch(context, caller, since);
    const ends = this.#endsWith(signal);
    const changes = watch(context, caller, start, this.#engine.changed, ends);
    const watched = this.#engine.quotas?.countWatch(caller.actor, changes, ends) ?? changes;
    const isStillVisible = ({ id }: { id: string }) => mayLearnId(this.#engine.reading(), caller, id);
    const recorded = this.#calls.watchRecorded(watched, { namespace: scope.namespace }, isStillVisible);
    return recorded as AsyncIterable<MemoryChange<M>>;
  }

  /** Resolves when a read may begin. Undefined if it may now. */
  #reached(wait: ReadWait): Promise<void> | undefined {
    return this.#engine.levels.reached(wait, this.#caller.actor);
  }

  #withoutHiddenLinks(memory: Memory): Memory<M> {
    return withoutHiddenLinks(this.#engine.reading(), this.#caller, memory) as Memory<M>;
  }

  /** Makes a signal that is aborted when the given signal is aborted or the store closes. */
  #endsWith(signal: AbortSignal | undefined): AbortSignal {
    const { ended } = this.#lifetime;
    return signal === undefined ? ended : AbortSignal.any([signal, ended]);
  }
}

function asObject(options: unknown): object {
  if (isPlainObject(options)) return options;
  throw invalidInput([{ path: ['options'], message: expected('an object')({ input: options }) }], 'call');
}
