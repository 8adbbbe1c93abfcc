import { readFileSync, writeFileSync } from 'node:fs';
import { allow, type Memory, MemoryError, MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { databaseIn, temporaryFolder } from './folders';
import { Random } from './random';

// Leaves time for a machine that is busy with other work.
const clock = { now: () => Date.UTC(2026, 0, 1) };
const access = [allow('everyone', 'writer', ['support'])];
const flips = 150;

async function fill(folder: string): Promise<void> {
  await using store = await MemoryStore.open(folder, { clock, access });
  for (let i = 0; i < 12; i++) {
    const agent = store.as({ agentId: `agent-${i % 3}` }, { namespace: ['support', `team-${i % 2}`] });
    const { id } = await agent.remember(`Customer ${i} asked for a refund.`, {
      key: `key-${i}`,
      tags: [`tag-${i}`],
      userId: `user-${i}`,
    });
    if (i % 3 === 0) await agent.update(id, { text: `Customer ${i} got the refund.`, metadata: { order: i } });
    if (i % 5 === 4) await agent.forget(id);
  }
}

interface Shown {
  readonly list: readonly Memory[];
  readonly byId: ReadonlyMap<string, unknown>;
  readonly failed: boolean;
}

/** The results of every read. Reads that reject with a MemoryError are left out. */
async function everything(store: MemoryStore, ids: readonly string[]): Promise<Shown> {
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

test('after any bit of the database file is flipped, no wrong data is returned, and lost data is reported', async () => {
  const folder = temporaryFolder();
  await fill(folder);
  const original = readFileSync(databaseIn(folder));
  const intact = await MemoryStore.open(folder, { clock });
  const ids = (await intact.admin.list()).items.map(({ id }) => id);
  const expected = await everything(intact, ids);
  await intact.close();
  const random = new Random(17);
  const wrong: string[] = [];
  for (let flip = 0; flip < flips; flip++) {
    // Pages are mostly empty, and a bit flipped in empty space has no effect.
    let place = random.whole(0, original.length - 1);
    while (original[place] === 0) place = random.whole(0, original.length - 1);
    const bytes = Buffer.from(original);
    bytes[place] = (bytes[place] as number) ^ (1 << random.whole(0, 7));
    writeFileSync(databaseIn(folder), bytes);
    const what = await differenceOf(folder, ids, expected);
    if (what !== undefined) wrong.push(`byte ${place} (page ${Math.floor(place / 4096) + 1}): ${what}`);
  }
  expect(wrong).toEqual([]);
});

/** What is wrong. Undefined if all results are correct, or the store reports the damage. */
async function differenceOf(folder: string, ids: readonly string[], expected: Shown): Promise<string | undefined> {
  try {
    await using store = await MemoryStore.open(folder, { clock });
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
