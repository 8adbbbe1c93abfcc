import type { CallOptions, LongCallOptions } from '../domain/calls';
import type { LabelChange, WriteRequest } from '../domain/command';
import { invalidInput } from '../domain/errors';
import type { Metadata } from '../domain/json';
import type { Hit, Memory, MemoryChange, NewMemory, RememberResult } from '../domain/memory';
import { parse, parseAll } from '../domain/parse/parse';
import { isEmpty, parsedScopeOf, selectionOf } from '../domain/parse/parse-selection';
import { isPlainObject } from '../domain/parse/shapes';
import type { Actor } from '../domain/principal';
import { type Caller, emptyScope, narrowScope, outsideScope, type ParsedScope } from '../domain/scope';
import type { Scope, Selection } from '../domain/selection';
import { unit } from '../embedding/space-embedder';
import { startStopwatch } from '../environment/timers';
import * as changes from '../recall/changes';
import { get } from '../recall/get';
import * as listing from '../recall/list';
import { recall } from '../recall/recall';
import { mayLearnId, withoutHiddenLinks } from '../recall/recheck';
import { startOfWatch, watch } from '../recall/watch';
import { forgetTargets, updateTarget } from '../recall/write-targets';
import { share, update } from '../write/change';
import { forget, forgetAll } from '../write/forget';
import { remember } from '../write/remember';
import { type BatchResult, rememberAll, rememberEach } from '../write/remember-many';
import type { Author } from '../write/write-context';
import { type AccessHandle, PrincipalAccess } from './access-handle';
import { type AuditHandle, PrincipalAudit } from './audit-handle';
import { type AuditedCall, AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';
import type { Lifetime } from './lifetime';
import { ListQuery } from './list-query';
import type {
  ForgetResult,
  HandleStats,
  ListOptions,
  MemoryHandle,
  MemoryPage,
  MemoryPatch,
  RecallOptions,
} from './memory-handle';

const defaultTopK = 10;
const defaultListLimit = 100;
const defaultBatchSize = 256;

/** The handle of one principal: parses what it is given and passes it on to the life of a write or of a read. */
export class PrincipalHandle<M = Metadata> implements MemoryHandle<M> {
  readonly scope: Readonly<Scope>;
  readonly access: AccessHandle;
  readonly audit: AuditHandle;
  readonly #engine: Engine;
  readonly #lifetime: Lifetime;
  readonly #caller: Author;
  readonly #calls: AuditedCalls;

  /** @param request The one write that it is made for, where another process asks. */
  constructor(engine: Engine, lifetime: Lifetime, actor: Actor, scope: ParsedScope, request?: WriteRequest) {
    this.#engine = engine;
    this.#lifetime = lifetime;
    const caller: Caller = { actor, scope };
    this.#caller = request === undefined ? caller : { ...caller, request };
    this.scope = structuredClone(scope);
    this.#calls = new AuditedCalls(engine, lifetime, this.#caller);
    this.access = new PrincipalAccess(engine, this.#calls, this.#caller);
    this.audit = new PrincipalAudit(engine, this.#calls, this.#caller);
  }

  remember(text: string, options: Omit<NewMemory<M>, 'text'> & CallOptions = {}): Promise<RememberResult> {
    return this.#calls.write('remember', async (asked) => {
      const context = this.#engine.writing();
      const input = { ...asObject(options), text };
      asked.namespace = this.#engine.shapes.namespaceOnly.safeParse(input).data?.namespace ?? asked.namespace;
      return remember(context, this.#caller, input);
    });
  }

  rememberMany(
    items: Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>,
    options: LongCallOptions & { atomic?: boolean; batchSize?: number } = {},
  ): Promise<BatchResult> {
    return this.#calls.write('remember', async (asked) => {
      const context = this.#engine.writing();
      const { rememberManyOptions: shape, items: iterable } = this.#engine.shapes;
      const [given] = parseAll([shape, options], [iterable, items, ['items']]);
      const { batchSize = defaultBatchSize, atomic, signal, onProgress } = given;
      const ends = this.#endsWith(signal);
      const many = { batchSize, ends, ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) };
      const result = await (atomic ? rememberAll : rememberEach)(context, this.#caller, items, many);
      const refused = result.results.find((each) => !each.ok && !this.#engine.recorder.isRecorded(each.error));
      // One entry for the call: each item that was proposed has its own.
      if (refused?.ok === false) await this.#calls.refused('remember', asked, refused.error);
      return result;
    });
  }

  recall(query: string, options: RecallOptions<M> = {}): Promise<Hit<M>[]> {
    // Looked at twice: a copy is the same each time.
    const asCopied =
      typeof options === 'object' && options !== null && isPlainObject(options) ? { ...options } : options;
    const recalled = async (asked: AuditedCall): Promise<Hit<M>[]> => {
      const context = this.#engine.reading();
      const elapsedMs = startStopwatch();
      const { query: question, recallOptions: shape, queryVector } = this.#engine.shapes;
      const [text, given] = parseAll(
        [question, query, ['query']],
        [shape, asCopied],
        [queryVector(context.embedder.space.dimensions), asCopied],
      );
      asked.namespace = given.namespace ?? asked.namespace;
      const hits = await recall(context, this.#caller, {
        query: text,
        selection: selectionOf(given),
        topK: given.topK ?? defaultTopK,
        mode: given.mode ?? 'hybrid',
        threshold: given.threshold ?? 0,
        explain: given.explain ?? false,
        vector: given.vector && unit(given.vector),
        signal: given.signal,
      });
      this.#engine.events.emit('recalled', { hits: hits.length, tookMs: elapsedMs() });
      return hits as Hit<M>[];
    };
    return this.#calls.read('recall', recalled, (hits) => hits);
  }

  get(id: Parameters<MemoryHandle<M>['get']>[0], options: CallOptions = {}): Promise<Memory<M> | undefined> {
    const got = (asked: AuditedCall): Memory<M> | undefined => {
      const { address: shape, callOptions: call } = this.#engine.shapes;
      const [address, { signal }] = parseAll([shape, id, ['id']], [call, options]);
      if (typeof address === 'string') asked.ids = [address];
      else asked.namespace = address.namespace;
      signal?.throwIfAborted();
      const memory = get(this.#engine.reading(), this.#caller, address);
      asked.missing = memory === undefined;
      return memory as Memory<M> | undefined;
    };
    return this.#calls.read('get', got, (memory) => (memory === undefined ? [] : [memory]));
  }

  history(id: string, options: CallOptions = {}): ReturnType<MemoryHandle<M>['history']> {
    const told = (asked: AuditedCall): (changes.Revision & MemoryChange<M>)[] => {
      const { id: shape, callOptions: call } = this.#engine.shapes;
      const [known, { signal }] = parseAll([shape, id, ['id']], [call, options]);
      asked.ids = [known];
      signal?.throwIfAborted();
      const revisions = changes.history(this.#engine.reading(), this.#caller, known);
      asked.missing = revisions.length === 0;
      return revisions as (changes.Revision & MemoryChange<M>)[];
    };
    return this.#calls.read('history', told, ([first]) => this.#calls.placed(first?.id));
  }

  list(options: ListOptions<M> = {}): ListQuery<Memory<M>, MemoryPage<M>> {
    const listed = (asked: AuditedCall, cursor: string | undefined): MemoryPage<M> => {
      const question = cursor === undefined ? options : { ...options, cursor };
      const given = parse(this.#engine.shapes.listOptions, question, 'options');
      asked.namespace = given.namespace ?? asked.namespace;
      given.signal?.throwIfAborted();
      return listing.list(this.#engine.reading(), this.#caller, {
        selection: selectionOf(given),
        limit: given.limit ?? defaultListLimit,
        cursor: given.cursor,
        orderBy: given.orderBy ?? 'createdAt',
        order: given.order ?? 'newest',
      }) as MemoryPage<M>;
    };
    return new ListQuery(
      (cursor) =>
        this.#calls.read(
          'list',
          (asked) => listed(asked, cursor),
          ({ items }) => items,
        ),
      {
        version: () => this.#engine.version(),
        current: (memory) => listing.relist(this.#engine.reading(), this.#caller, memory) as Memory<M> | undefined,
      },
    );
  }

  count(options: Selection<M> = {}): Promise<number> {
    return this.#calls.read('count', (asked) => {
      const given = parse(this.#engine.shapes.selection, options, 'selection');
      asked.namespace = given.namespace ?? asked.namespace;
      given.signal?.throwIfAborted();
      return listing.count(this.#engine.reading(), this.#caller, selectionOf(given));
    });
  }

  namespaces(options: Parameters<MemoryHandle<M>['namespaces']>[0] = {}): ReturnType<MemoryHandle<M>['namespaces']> {
    return this.#calls.read('namespaces', (asked) => {
      const { within, maxDepth, signal, ...given } = parse(this.#engine.shapes.namespacesOptions, options, 'options');
      asked.namespace = within ?? asked.namespace;
      signal?.throwIfAborted();
      const selection = selectionOf({ ...given, ...(within === undefined ? {} : { namespace: within }) });
      return listing.namespaces(this.#engine.reading(), this.#caller, selection, maxDepth);
    });
  }

  update(id: string, patch: MemoryPatch<M>, options: CallOptions & { ifRevision?: number } = {}): Promise<Memory<M>> {
    return this.#calls.write('update', async (asked) => {
      const context = this.#engine.writing();
      const { id: name, patch: shape, changeOptions: how } = this.#engine.shapes;
      const [known, parsed, change] = parseAll([name, id, ['id']], [shape, patch, ['patch']], [how, options]);
      asked.ids = [known];
      const target = updateTarget(this.#engine.reading(), this.#caller, known, change.ifRevision);
      return this.#shown(await update(context, this.#caller, target, parsed, change));
    });
  }

  share(id: string, change: LabelChange, options: CallOptions & { ifRevision?: number } = {}): Promise<Memory<M>> {
    return this.#calls.write('share', async () => {
      const context = this.#engine.writing();
      const { id: name, labelChange: relabelling, changeOptions: how } = this.#engine.shapes;
      const [known, wanted, call] = parseAll([name, id, ['id']], [relabelling, change, ['change']], [how, options]);
      return this.#shown(await share(context, this.#caller, known, wanted, call));
    });
  }

  forget(id: string, options: CallOptions & { ifRevision?: number } = {}): Promise<boolean> {
    return this.#calls.write('forget', async () => {
      const context = this.#engine.writing();
      const [known, change] = parseAll(
        [this.#engine.shapes.id, id, ['id']],
        [this.#engine.shapes.changeOptions, options],
      );
      return forget(context, this.#caller, known, change);
    });
  }

  forgetWhere(selection: Selection<M>, options: LongCallOptions & { dryRun: boolean }): Promise<ForgetResult> {
    return this.#calls.write('forgetWhere', async (asked) => {
      const context = this.#engine.writing();
      const { selection: shape, forgetWhereOptions: how } = this.#engine.shapes;
      const [which, { dryRun, ...call }] = parseAll([shape, selection], [how, options, ['options']]);
      const given = selectionOf(which);
      if (isEmpty(given))
        throw invalidInput(
          [{ path: [], message: 'expected at least one condition, got an empty selection.' }],
          'selection',
        );
      call.signal?.throwIfAborted();
      const everything = { ...given, include: new Set(['expired', 'superseded', 'quarantined'] as const) };
      asked.namespace = which.namespace ?? asked.namespace;
      const { matched, ids } = forgetTargets(this.#engine.reading(), this.#caller, everything);
      // Nothing is proposed, and yet something is told.
      if (dryRun || ids.length === 0) await this.#calls.answered('forgetWhere', asked, this.#calls.placed(...ids));
      if (dryRun) return { matched, forgotten: 0, ids };
      const forgotten = await forgetAll(context, this.#caller, ids, call);
      return { matched, forgotten: forgotten.length, ids: forgotten };
    });
  }

  watch(options: Parameters<MemoryHandle<M>['watch']>[0] = {}): AsyncIterable<MemoryChange<M>> {
    this.#lifetime.assertOpen();
    try {
      return this.#watched(options);
    } catch (error) {
      void this.#calls.refused('watch', { namespace: this.#caller.scope.namespace, ids: [], missing: false }, error);
      throw error;
    }
  }

  stats(options: CallOptions = {}): Promise<HandleStats> {
    return this.#calls.read('stats', () => {
      parse(this.#engine.shapes.callOptions, options, 'options').signal?.throwIfAborted();
      const held = listing.namespaces(this.#engine.reading(), this.#caller, selectionOf({}));
      return { memories: held.reduce((sum, { count }) => sum + count, 0), namespaces: held.length };
    });
  }

  within(scope: Scope): MemoryHandle<M> {
    const bound = narrowScope(this.#caller.scope, parse(this.#engine.shapes.scope, scope, 'scope'));
    if (bound === emptyScope) throw outsideScope();
    return new PrincipalHandle(this.#engine, this.#lifetime, this.#caller.actor, bound);
  }

  #watched(options: object): AsyncIterable<MemoryChange<M>> {
    const { since = 'now', signal, ...scope } = parse(this.#engine.shapes.watchOptions, options, 'options');
    const context = this.#engine.reading();
    const bound = narrowScope(this.#caller.scope, parsedScopeOf(scope));
    if (bound === emptyScope) return (async function* () {})();
    const caller: Caller = { ...this.#caller, scope: bound };
    const start = startOfWatch(context, caller, since);
    const changes = watch(context, caller, start, this.#engine.changed, this.#endsWith(signal));
    const isStillShown = ({ id }: { id: string }) => mayLearnId(this.#engine.reading(), caller, id);
    return this.#calls.delivered(changes, { namespace: bound.namespace }, isStillShown) as AsyncIterable<
      MemoryChange<M>
    >;
  }

  #shown(memory: Memory): Memory<M> {
    return withoutHiddenLinks(this.#engine.reading(), this.#caller, memory) as Memory<M>;
  }

  #endsWith(signal: AbortSignal | undefined): AbortSignal {
    const { ended } = this.#lifetime;
    return signal === undefined ? ended : AbortSignal.any([signal, ended]);
  }
}

function asObject(options: unknown): object {
  if (typeof options === 'object' && options !== null && isPlainObject(options)) return options;
  throw invalidInput([{ path: ['options'], message: 'must be an object.' }], 'call');
}
