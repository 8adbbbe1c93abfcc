import { type Memory, MemoryError, type MemoryStore } from 'multi-agent-memory';

/** What a store returns for its memories. */
export interface Shown {
  readonly list: readonly Memory[];
  readonly byId: ReadonlyMap<string, unknown>;
  readonly failed: boolean;
}

/** The results of every read of these memories. Reads that reject with a MemoryError are left out. */
export async function everything(store: MemoryStore, ids: readonly string[]): Promise<Shown> {
  let failed = false;
  async function ask<T>(run: () => PromiseLike<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!MemoryError.is(error)) throw error;
      failed = true;
      return undefined;
    }
  }
  const { admin } = store;
  const list = (await ask(() => admin.list({ limit: 1000 })))?.items ?? [];
  const byId = new Map<string, unknown>();
  for (const id of ids) {
    const got = await ask(() => admin.get(id));
    const history = await ask(() => admin.history(id));
    byId.set(id, { got, history: history?.map(({ memory, type, revision }) => ({ memory, type, revision })) });
  }
  for (const mode of ['keyword', 'semantic'] as const) {
    const hits = await ask(() => admin.recall('the refund of customer 3', { mode, topK: 100 }));
    byId.set(
      mode,
      hits?.map(({ id, score }) => [id, score]),
    );
  }
  return { list, byId, failed };
}

/**
 * What is wrong with the results of a store. Undefined if all are correct, or the store reports the damage.
 *
 * @param open Opens the store of a damaged folder.
 */
export async function differenceOf(
  open: () => Promise<MemoryStore>,
  ids: readonly string[],
  expected: Shown,
): Promise<string | undefined> {
  try {
    await using store = await open();
    const shown = await everything(store, ids);
    const { ok } = await store.verify();
    const known = new Map(expected.list.map((memory) => [memory.id, memory]));
    for (const memory of shown.list) {
      if (!isSame(memory, known.get(memory.id))) return `list serves what was never written: ${JSON.stringify(memory)}`;
    }
    if (!ok || shown.failed) return undefined;
    if (shown.list.length !== known.size) return 'list lacks memories, and verify() says nothing';
    for (const [asked, answer] of expected.byId) {
      if (!isSame(shown.byId.get(asked), answer)) return `another answer for ${asked}, and verify() says nothing`;
    }
    return undefined;
  } catch (error) {
    return MemoryError.is(error) ? undefined : `not an error of the library: ${String(error)}`;
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
