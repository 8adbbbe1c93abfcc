import type { z } from 'zod';
import { ReadableCache } from '../access/readable-cache';
import type { Call, Long } from '../domain/calls';
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
import { startOfWatch, watch } from '../recall/watch';
import { forget, forgetAll } from '../write/forget';
import { remember } from '../write/remember';
import { type BatchResult, rememberAll, rememberEach } from '../write/remember-many';
import { update } from '../write/update';
import type { Engine } from './engine';
import { ListQuery } from './list-query';
import type { Forgotten, ListOptions, MemoryHandle, Patch, RecallOptions } from './memory-handle';

const defaultTopK = 10;
const defaultListLimit = 100;
const defaultBatchSize = 256;

/** How long a handle lives: as long as the store that it came from. */
export interface Lifetime {
  /** @throws STORE_CLOSED */
  assertOpen(): void;
  /** Aborted when the store is closed. */
  readonly closed: AbortSignal;
}

/** The handle of one principal: parses what it is given and passes it on to the life of a write or of a read. */
export class PrincipalHandle<M = Meta> implements MemoryHandle<M> {
  readonly #engine: Engine;
  readonly #lifetime: Lifetime;
  readonly #reader: Reader;

  constructor(engine: Engine, lifetime: Lifetime, actor: Actor, bound: Bound) {
    this.#engine = engine;
    this.#lifetime = lifetime;
    this.#reader = { actor, bound, readables: new ReadableCache(actor, bound.namespace ?? []) };
  }

  async remember(text: string, options: Omit<NewMemory<M>, 'text'> & Call = {}): Promise<Remembered> {
    return remember(this.#writing(), this.#reader, { ...asObject(options), text });
  }

  async rememberMany(
    items: Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>,
    options: Long & { atomic?: boolean; batchSize?: number } = {},
  ): Promise<BatchResult> {
    const { many: shape, items: iterable } = this.#engine.shapes;
    const [given] = parseAll([shape, options], [iterable, items, ['items']]);
    const { batchSize = defaultBatchSize, atomic, signal, onProgress } = given;
    const many = { batchSize, ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) };
    return (atomic ? rememberAll : rememberEach)(this.#writing(), this.#reader, items, many);
  }

  async recall(query: string, options: RecallOptions<M> = {}): Promise<Hit<M>[]> {
    const context = this.#reading();
    const elapsedMs = startStopwatch();
    const { query: question, recall: shape } = this.#engine.shapes;
    const [asked, given] = parseAll([question, query, ['query']], [this.#vectorChecked(shape), options]);
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
  }

  async get(id: Parameters<MemoryHandle<M>['get']>[0], options: Call = {}): Promise<Memory<M> | undefined> {
    const [address, { signal }] = parseAll(
      [this.#engine.shapes.address, id, ['id']],
      [this.#engine.shapes.call, options],
    );
    signal?.throwIfAborted();
    return get(this.#reading(), this.#reader, address) as Memory<M> | undefined;
  }

  async history(id: string, options: Call = {}) {
    const [known, { signal }] = parseAll([this.#engine.shapes.id, id, ['id']], [this.#engine.shapes.call, options]);
    signal?.throwIfAborted();
    return changes.history(this.#reading(), this.#reader, known) as (changes.Revision & Change<M>)[];
  }

  list(options: ListOptions<M> = {}): ListQuery<M> {
    return new ListQuery(async (cursor) => {
      const given = parse(
        this.#engine.shapes.list,
        cursor === undefined ? options : { ...options, cursor },
        'The options',
      );
      given.signal?.throwIfAborted();
      return listing.list(this.#reading(), this.#reader, {
        selection: selectionOf(given),
        limit: given.limit ?? defaultListLimit,
        cursor: given.cursor,
        orderBy: given.orderBy ?? 'createdAt',
        order: given.order ?? 'newest',
      }) as { items: Memory<M>[]; nextCursor?: string };
    });
  }

  async count(options: Selection<M> = {}): Promise<number> {
    const given = parse(this.#engine.shapes.selection, options, 'The selection');
    given.signal?.throwIfAborted();
    return listing.count(this.#reading(), this.#reader, selectionOf(given));
  }

  async namespaces(options: Parameters<MemoryHandle<M>['namespaces']>[0] = {}) {
    const { within, maxDepth, signal } = parse(this.#engine.shapes.namespaces, options, 'The options');
    signal?.throwIfAborted();
    const selection = selectionOf(within === undefined ? {} : { namespace: within });
    return listing.namespaces(this.#reading(), this.#reader, selection, maxDepth ?? this.#engine.limits.namespaceDepth);
  }

  async update(id: string, patch: Patch<M>, options: Call & { ifRevision?: number } = {}): Promise<Memory<M>> {
    const context = this.#writing();
    const { id: name, patch: shape, change: how } = this.#engine.shapes;
    const [known, parsed, change] = parseAll([name, id, ['id']], [shape, patch, ['patch']], [how, options]);
    const target = current(this.#reading(), this.#reader, known, change.ifRevision);
    return (await update(context, this.#reader, target, parsed, change)) as Memory<M>;
  }

  async forget(id: string, options: Call & { ifRevision?: number } = {}): Promise<boolean> {
    const context = this.#writing();
    const [known, change] = parseAll([this.#engine.shapes.id, id, ['id']], [this.#engine.shapes.change, options]);
    return forget(context, this.#reader, known, change);
  }

  async forgetWhere(selection: Selection<M>, options: Long & { dryRun: boolean }): Promise<Forgotten> {
    const context = this.#writing();
    const { selection: shape, forgetWhere: how } = this.#engine.shapes;
    const [which, { dryRun, ...call }] = parseAll([shape, selection], [how, options, ['options']]);
    const given = selectionOf(which);
    if (isEmpty(given)) {
      throw invalidInput([{ path: [], message: 'It is empty: say which memories to forget.' }], 'The selection');
    }
    call.signal?.throwIfAborted();
    const everything = { ...given, include: new Set(['expired', 'superseded', 'quarantined'] as const) };
    const { matched, ids } = forgettable(this.#reading(), this.#reader, everything);
    if (dryRun) return { matched, forgotten: 0, ids };
    const forgotten = await forgetAll(context, this.#reader, ids, call);
    return { matched, forgotten: forgotten.length, ids: forgotten };
  }

  watch(options: Parameters<MemoryHandle<M>['watch']>[0] = {}): AsyncIterable<Change<M>> {
    const { since = 'now', signal, ...scope } = parse(this.#engine.shapes.watch, options, 'The options');
    const context = this.#reading();
    const bound = narrow(this.#reader.bound, boundOf(scope));
    const reader = bound === nothing ? undefined : { ...this.#reader, bound };
    if (reader === undefined) return (async function* () {})();
    const { closed } = this.#lifetime;
    const ends = signal === undefined ? closed : AbortSignal.any([signal, closed]);
    const start = startOfWatch(context, reader, since);
    return watch(context, reader, start, this.#engine.changed, ends) as AsyncIterable<Change<M>>;
  }

  within(scope: Scope): MemoryHandle<M> {
    const bound = narrow(this.#reader.bound, parse(this.#engine.shapes.scope, scope, 'The scope'));
    if (bound === nothing)
      throw invalidInput(
        [{ path: [], message: 'It lies outside the scope of the handle it should narrow.' }],
        'The scope',
      );
    return new PrincipalHandle(this.#engine, this.#lifetime, this.#reader.actor, bound);
  }

  /** A vector that a caller brings must be of the store's space. */
  #vectorChecked<T extends { vector?: Float32Array | undefined }>(shape: z.ZodType<T>): z.ZodType<T> {
    return shape.refine(
      ({ vector }) => vector === undefined || this.#engine.embedder.vectorIssues(vector, []).length === 0,
      {
        path: ['vector'],
        error: () => `must have ${this.#engine.embedder.space.dimensions} numbers, as vectors of this store have.`,
      },
    );
  }

  #reading() {
    this.#lifetime.assertOpen();
    return this.#engine.reading();
  }

  #writing() {
    this.#lifetime.assertOpen();
    return this.#engine.writing();
  }
}

function asObject(options: unknown): object {
  if (typeof options === 'object' && options !== null && isPlain(options)) return options;
  throw invalidInput([{ path: ['options'], message: 'must be an object.' }], 'The call');
}
