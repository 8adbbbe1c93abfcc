import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import fc from 'fast-check';
import { MemoryError, MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { openToAll, temporaryFolder } from '../store/stores';
import { type WatchedEmbedder, words } from './spaces';

const namespace = ['support'];
const embedders = (): WatchedEmbedder[] => [words('a', 64), words('b', 48), words('c', 64)];

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('remember' as const), wait: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('rememberMany' as const), count: fc.integer({ min: 2, max: 12 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom('update' as const, 'patch' as const, 'share' as const),
      which: fc.nat(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('hot' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('forget' as const), which: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('reembed' as const),
      to: fc.nat(2),
      batchSize: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('rollback' as const, 'drop' as const, 'cancel' as const, 'abort' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('search' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reopen' as const), as: fc.nat(2) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The expected state of a store: the text of each memory that is not forgotten. */
class Run {
  readonly texts = new Map<string, string>();
  readonly #embedders = embedders();
  readonly #folder: string | undefined;
  #store!: MemoryStore;
  #pending: Promise<unknown>[] = [];
  // Without awaiting, calls on one memory may be answered in another order than they were made.
  readonly #busy = new Map<string, Promise<unknown>>();
  #moving: ReturnType<MemoryStore['reembed']> | undefined;
  #aborting = new AbortController();
  #number = 0;
  #hot: string | undefined;

  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  async open(as: number): Promise<void> {
    const options = { access: openToAll, exactUpTo: 10, limits: { topK: 1_000 } };
    if (this.#folder === undefined) {
      this.#store = await MemoryStore.inMemory({ ...options, embedder: this.#embedders[0] as WatchedEmbedder });
      return;
    }
    for (const shift of [0, 1, 2]) {
      try {
        const embedder = this.#embedders[(as + shift) % 3] as WatchedEmbedder;
        this.#store = await MemoryStore.open(this.#folder, { ...options, embedder });
        break;
      } catch (error) {
        if (!MemoryError.is(error) || error.code !== 'EMBEDDER_MISMATCH') throw error;
      }
    }
    // A process that continues with any of the embedders.
    for (const embedder of this.#embedders) {
      await MemoryStore.open(this.#folder, { ...options, embedder }).then(
        (other) => other.close(),
        (error) => expect(error.code).toBe('EMBEDDER_MISMATCH'),
      );
    }
  }

  async take(step: Step): Promise<void> {
    const { admin } = this.#store;
    switch (step.type) {
      case 'remember': {
        const text = this.#text();
        const stored = admin.remember(text, { namespace }).then(({ id }) => void this.texts.set(id, text));
        this.#goesOn(stored);
        return step.wait ? stored : undefined;
      }
      case 'rememberMany': {
        const some = Array.from({ length: step.count }, () => this.#text());
        const stored = admin.rememberMany(some.map((text) => ({ text, namespace }))).then(({ results }) => {
          for (const [i, result] of results.entries()) if (result.ok) this.texts.set(result.id, some[i] as string);
        });
        return this.#goesOn(stored);
      }
      case 'update':
        return this.#write(this.#one(step.which), async (id) => {
          const text = this.#text();
          await admin.update(id, { text });
          this.texts.set(id, text);
        });
      case 'hot': {
        this.#hot = this.#hot !== undefined && this.texts.has(this.#hot) ? this.#hot : this.#one(0);
        for (let i = 0; i < 3; i++) {
          this.#write(this.#hot, async (id) => {
            const text = this.#text();
            await admin.update(id, { text });
            this.texts.set(id, text);
          });
        }
        return;
      }
      case 'patch':
        return this.#write(this.#one(step.which), async (id) => void (await admin.update(id, { priority: 0.75 })));
      case 'share':
        return this.#write(this.#one(step.which), async (id) => void (await admin.share(id, { accessTags: [] })));
      case 'forget':
        return this.#write(this.#one(step.which), async (id) => {
          await admin.forget(id);
          this.texts.delete(id);
        });
      case 'reembed':
        this.#aborting = new AbortController();
        this.#moving = this.#store.reembed(this.#embedders[step.to] as WatchedEmbedder, {
          batchSize: step.batchSize,
          signal: this.#aborting.signal,
        });
        return this.#mayBeRefused(this.#moving);
      case 'rollback':
        this.#moving = this.#store.rollback();
        return this.#mayBeRefused(this.#moving);
      case 'drop':
        return this.#mayBeRefused(this.#store.dropUnusedSpaces());
      case 'cancel':
        return this.#moving && this.#mayBeRefused(this.#moving.cancel());
      case 'abort':
        return this.#aborting.abort(new DOMException('enough', 'AbortError'));
      case 'search': {
        const id = this.#one(step.which);
        const text = id === undefined ? undefined : this.texts.get(id);
        if (text === undefined) return;
        const asked = admin.recall(text, { mode: 'semantic', topK: 1_000, distinct: false });
        return this.#goesOn(
          asked.then((hits) => {
            // A memory that is written meanwhile may have another text by now.
            if (id !== undefined && this.texts.get(id) === text && !this.#busy.has(id))
              expect(hits.map((hit) => hit.id)).toContain(id);
          }),
        );
      }
      case 'turns':
        for (let i = 0; i < step.count; i++) await new Promise((resolve) => setImmediate(resolve));
        return;
      case 'reopen':
        if (this.#folder === undefined) return;
        await this.#writesDone();
        await this.#store.close();
        await this.#settle();
        await this.open(step.as);
    }
  }

  /** Compares the store with the model, once every call has its answer. */
  async check(): Promise<void> {
    await this.#settle();
    const store = this.#store;
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    const { otherSpaces } = await store.stats();
    expect(otherSpaces.filter(({ role }) => role !== 'dropping').length).toBeLessThanOrEqual(1);
    await store.settled();
    for (const [id, text] of [...this.texts].slice(-12)) {
      const [hit] = await store.admin.recall(text, { mode: 'semantic', topK: 1 });
      expect([hit?.id, hit?.text]).toEqual([id, text]);
    }
    const hits = await store.admin.recall('note', { mode: 'semantic', topK: 1_000, distinct: false });
    expect(hits.map(({ id }) => id).sort()).toEqual([...this.texts.keys()].sort());
  }

  async end(): Promise<void> {
    const space = this.texts.size === 0 ? undefined : (await this.#store.stats()).space.model;
    await this.#store.dropUnusedSpaces();
    if (space !== undefined) {
      await this.check();
      const other = this.#embedders.find((embedder) => embedder.space.model !== space) as WatchedEmbedder;
      expect(await this.#store.reembed(other)).toMatchObject({ embedded: this.texts.size });
      await this.check();
      await this.#store.dropUnusedSpaces();
    }
    await this.#store.close();
    if (this.#folder === undefined) return;
    const database = new BetterSqlite(join(this.#folder, 'memory.db'), { readonly: true });
    const count = (sql: string) => database.prepare(sql).pluck().get();
    expect(count('select count(*) from vectors')).toBe(this.texts.size);
    expect(count("select count(*) from spaces where role = 'current'")).toBeLessThanOrEqual(1);
    expect(count("select count(*) from spaces where role not in ('current', 'dropped')")).toBe(0);
    expect(
      count("select count(*) from embedded where space not in (select id from spaces where role = 'current')"),
    ).toBe(0);
    database.close();
    expect(readdirSync(this.#folder).filter((name) => name.startsWith('vectors')).length).toBeLessThanOrEqual(1);
  }

  #text(): string {
    const n = this.#number++;
    return `note x${n}x y${n * 7}y z${n * 13}z`;
  }

  #one(which: number): string | undefined {
    const ids = [...this.texts.keys()];
    return ids[which % Math.max(1, ids.length)];
  }

  #write(id: string | undefined, write: (id: string) => Promise<void>): void {
    if (id === undefined) return;
    const before = this.#busy.get(id) ?? Promise.resolve();
    const after = before.then(() => (this.texts.has(id) ? write(id) : undefined));
    this.#busy.set(id, after);
    void after.finally(() => this.#busy.get(id) === after && this.#busy.delete(id)).catch(() => undefined);
    this.#goesOn(after);
  }

  #goesOn(work: Promise<unknown>): void {
    this.#pending.push(work);
    work.catch(() => undefined);
  }

  #mayBeRefused(work: Promise<unknown>): void {
    const codes = ['INVALID_INPUT', 'STORE_CLOSED', 'EMBEDDER_MISSING'];
    this.#goesOn(
      work.catch((error: unknown) => {
        const isExpected = MemoryError.is(error) ? codes.includes(error.code) : (error as Error).name === 'AbortError';
        if (!isExpected) throw error;
      }),
    );
  }

  async #writesDone(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  async #settle(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    for (const result of await Promise.allSettled(pending)) {
      if (result.status === 'fulfilled') continue;
      // A call that was running when the store closed.
      if (MemoryError.is(result.reason) && result.reason.code === 'STORE_CLOSED') continue;
      throw result.reason;
    }
  }
}

test.each([
  ['in memory', false, 12],
  ['in a folder, with an approximate index', true, 6],
] as const)(
  'every memory is found in the current space after any sequence of calls: %s',
  async (_, inFolder, numRuns) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const run = new Run(inFolder ? await temporaryFolder() : undefined);
        await run.open(0);
        for (const [i, each] of steps.entries()) {
          await run.take(each);
          if (i % 15 === 14) await run.check();
        }
        await run.check();
        await run.end();
      }),
      { numRuns, seed: 1 },
    );
  },
);
