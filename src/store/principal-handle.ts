import type { Call, Long } from '../domain/calls';
import type { Relabelling } from '../domain/command';
import { invalidInput } from '../domain/errors';
import type { Meta } from '../domain/json';
import type { Change, Hit, Memory, NewMemory, Remembered } from '../domain/memory';
import { parse, parseAll } from '../domain/parse/parse';
import { isPlain } from '../domain/parse/parse-json';
import { boundOf, isEmpty, selectionOf } from '../domain/parse/parse-selection';
import type { Actor } from '../domain/principal';
import { type Bound, narrow, nothing } from '../domain/scope';
import type { Scope, Selection } from '../domain/selection';
import { unit } from '../embedding/space-embedder';
import { startStopwatch } from '../environment/stopwatch';
import * as changes from '../recall/changes';
import { current } from '../recall/current';
import { forgettable } from '../recall/forgettable';
import { get } from '../recall/get';
import * as listing from '../recall/list';
import type { Reader } from '../recall/read-context';
import { recall } from '../recall/recall';
import { withoutHiddenLinks } from '../recall/recheck';
import { startOfWatch, watch } from '../recall/watch';
import { forget, forgetAll } from '../write/forget';
import { remember } from '../write/remember';
import { type BatchResult, rememberAll, rememberEach } from '../write/remember-many';
import { share } from '../write/share';
import { update } from '../write/update';
import { type AccessHandle, PrincipalAccess } from './access-handle';
import type { Engine } from './engine';
import type { Lifetime } from './lifetime';
import { ListQuery } from './list-query';
import type { Forgotten, HandleStats, ListOptions, MemoryHandle, Page, Patch, RecallOptions } from './memory-handle';

const defaultTopK = 10;
const defaultListLimit = 100;
const defaultBatchSize = 256;

/** The handle of one principal: parses what it is given and passes it on to the life of a write or of a read. */
export class PrincipalHandle<M = Meta> implements MemoryHandle<M> {
  readonly access: AccessHandle;
  readonly #engine: Engine;
  readonly #lifetime: Lifetime;
  readonly #reader: Reader;

  constructor(engine: Engine, lifetime: Lifetime, actor: Actor, bound: Bound) {
    this.#engine = engine;
    this.#lifetime = lifetime;
    this.#reader = { actor, bound, readables: engine.readables.of(actor, bound.namespace ?? []) };
    this.access = new PrincipalAccess(engine, lifetime, this.#reader);
  }

  remember(text: string, options: Omit<NewMemory<M>, 'text'> & Call = {}): Promise<Remembered> {
    return this.#lifetime.write(async () =>
      remember(this.#engine.writing(), this.#reader, { ...asObject(options), text }),
    );
  }

  rememberMany(
    items: Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>,
    options: Long & { atomic?: boolean; batchSize?: number } = {},
  ): Promise<BatchResult> {
    return this.#lifetime.write(async () => {
      const context = this.#engine.writing();
      const { many: shape, items: iterable } = this.#engine.shapes;
      const [given] = parseAll([shape, options], [iterable, items, ['items']]);
      const { batchSize = defaultBatchSize, atomic, signal, onProgress } = given;
      const ends = this.#endsWith(signal);
      const many = { batchSize, ends, ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) };
      return (atomic ? rememberAll : rememberEach)(context, this.#reader, items, many);
    });
  }

  recall(query: string, options: RecallOptions<M> = {}): Promise<Hit<M>[]> {
    return this.#lifetime.read(async () => {
      const context = this.#engine.reading();
      const elapsedMs = startStopwatch();
      const { query: question, recall: shape, queryVector } = this.#engine.shapes;
      const [asked, given] = parseAll(
        [question, query, ['query']],
        [shape, options],
        [queryVector(context.embedder.space.dimensions), options],
      );
      const hits = await recall(context, this.#reader, {
        query: asked,
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
    });
  }

  get(id: Parameters<MemoryHandle<M>['get']>[0], options: Call = {}): Promise<Memory<M> | undefined> {
    return this.#lifetime.read(() => {
      const { address: shape, call } = this.#engine.shapes;
      const [address, { signal }] = parseAll([shape, id, ['id']], [call, options]);
      signal?.throwIfAborted();
      return get(this.#engine.reading(), this.#reader, address) as Memory<M> | undefined;
    });
  }

  history(id: string, options: Call = {}): ReturnType<MemoryHandle<M>['history']> {
    return this.#lifetime.read(() => {
      const { id: shape, call } = this.#engine.shapes;
      const [known, { signal }] = parseAll([shape, id, ['id']], [call, options]);
      signal?.throwIfAborted();
      return changes.history(this.#engine.reading(), this.#reader, known) as (changes.Revision & Change<M>)[];
    });
  }

  list(options: ListOptions<M> = {}): ListQuery<M> {
    return new ListQuery((cursor) =>
      this.#lifetime.read(() => {
        const question = cursor === undefined ? options : { ...options, cursor };
        const given = parse(this.#engine.shapes.list, question, 'The options');
        given.signal?.throwIfAborted();
        return listing.list(this.#engine.reading(), this.#reader, {
          selection: selectionOf(given),
          limit: given.limit ?? defaultListLimit,
          cursor: given.cursor,
          orderBy: given.orderBy ?? 'createdAt',
          order: given.order ?? 'newest',
        }) as Page<M>;
      }),
    );
  }

  count(options: Selection<M> = {}): Promise<number> {
    return this.#lifetime.read(() => {
      const given = parse(this.#engine.shapes.selection, options, 'The selection');
      given.signal?.throwIfAborted();
      return listing.count(this.#engine.reading(), this.#reader, selectionOf(given));
    });
  }

  namespaces(options: Parameters<MemoryHandle<M>['namespaces']>[0] = {}): ReturnType<MemoryHandle<M>['namespaces']> {
    return this.#lifetime.read(() => {
      const { within, maxDepth, signal } = parse(this.#engine.shapes.namespaces, options, 'The options');
      signal?.throwIfAborted();
      const selection = selectionOf(within === undefined ? {} : { namespace: within });
      return listing.namespaces(this.#engine.reading(), this.#reader, selection, maxDepth);
    });
  }

  update(id: string, patch: Patch<M>, options: Call & { ifRevision?: number } = {}): Promise<Memory<M>> {
    return this.#lifetime.write(async () => {
      const context = this.#engine.writing();
      const { id: name, patch: shape, change: how } = this.#engine.shapes;
      const [known, parsed, change] = parseAll([name, id, ['id']], [shape, patch, ['patch']], [how, options]);
      const target = current(this.#engine.reading(), this.#reader, known, change.ifRevision);
      return this.#shown(await update(context, this.#reader, target, parsed, change));
    });
  }

  share(id: string, change: Relabelling, options: Call & { ifRevision?: number } = {}): Promise<Memory<M>> {
    return this.#lifetime.write(async () => {
      const context = this.#engine.writing();
      const { id: name, relabelling, change: how } = this.#engine.shapes;
      const [known, wanted, call] = parseAll([name, id, ['id']], [relabelling, change, ['change']], [how, options]);
      return this.#shown(await share(context, this.#reader, known, wanted, call));
    });
  }

  forget(id: string, options: Call & { ifRevision?: number } = {}): Promise<boolean> {
    return this.#lifetime.write(async () => {
      const context = this.#engine.writing();
      const [known, change] = parseAll([this.#engine.shapes.id, id, ['id']], [this.#engine.shapes.change, options]);
      return forget(context, this.#reader, known, change);
    });
  }

  forgetWhere(selection: Selection<M>, options: Long & { dryRun: boolean }): Promise<Forgotten> {
    return this.#lifetime.write(async () => {
      const context = this.#engine.writing();
      const { selection: shape, forgetWhere: how } = this.#engine.shapes;
      const [which, { dryRun, ...call }] = parseAll([shape, selection], [how, options, ['options']]);
      const given = selectionOf(which);
      if (isEmpty(given))
        throw invalidInput([{ path: [], message: 'It is empty: say which memories to forget.' }], 'The selection');
      call.signal?.throwIfAborted();
      const everything = { ...given, include: new Set(['expired', 'superseded', 'quarantined'] as const) };
      const { matched, ids } = forgettable(this.#engine.reading(), this.#reader, everything);
      if (dryRun) return { matched, forgotten: 0, ids };
      const forgotten = await forgetAll(context, this.#reader, ids, call);
      return { matched, forgotten: forgotten.length, ids: forgotten };
    });
  }

  watch(options: Parameters<MemoryHandle<M>['watch']>[0] = {}): AsyncIterable<Change<M>> {
    this.#lifetime.assertOpen();
    const { since = 'now', signal, ...scope } = parse(this.#engine.shapes.watch, options, 'The options');
    const context = this.#engine.reading();
    const bound = narrow(this.#reader.bound, boundOf(scope));
    if (bound === nothing) return (async function* () {})();
    const reader = { ...this.#reader, bound };
    const start = startOfWatch(context, reader, since);
    return watch(context, reader, start, this.#engine.changed, this.#endsWith(signal)) as AsyncIterable<Change<M>>;
  }

  stats(options: Call = {}): Promise<HandleStats> {
    return this.#lifetime.read(() => {
      parse(this.#engine.shapes.call, options, 'The options').signal?.throwIfAborted();
      const held = listing.namespaces(this.#engine.reading(), this.#reader, selectionOf({}));
      return { memories: held.reduce((sum, { count }) => sum + count, 0), namespaces: held.length };
    });
  }

  within(scope: Scope): MemoryHandle<M> {
    const bound = narrow(this.#reader.bound, parse(this.#engine.shapes.scope, scope, 'The scope'));
    if (bound !== nothing) return new PrincipalHandle(this.#engine, this.#lifetime, this.#reader.actor, bound);
    const issues = [{ path: [], message: 'It lies outside the scope of the handle it should narrow.' }];
    throw invalidInput(issues, 'The scope');
  }

  #shown(memory: Memory): Memory<M> {
    return withoutHiddenLinks(this.#engine.reading(), this.#reader, memory) as Memory<M>;
  }

  #endsWith(signal: AbortSignal | undefined): AbortSignal {
    const { ended } = this.#lifetime;
    return signal === undefined ? ended : AbortSignal.any([signal, ended]);
  }
}

function asObject(options: unknown): object {
  if (typeof options === 'object' && options !== null && isPlain(options)) return options;
  throw invalidInput([{ path: ['options'], message: 'must be an object.' }], 'The call');
}
