import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Memory, MemoryError, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './folders';
import { fillUp, isPermitted, makeRoom, smallDisk } from './small-disk';

const namespace = ['parcels'];
const text = (i: number) => `Parcel number${i} left the warehouse. ${'It is on its way. '.repeat(30)}`;

/** Writes until the disk is full, and continues after that. */
async function writeUntilFull(
  store: MemoryStore,
  attempts = 40,
): Promise<{ acknowledged: Map<string, string>; errors: unknown[] }> {
  const acknowledged = new Map<string, string>();
  const errors: unknown[] = [];
  for (let i = 0; errors.length < attempts; i++) {
    const burst = Array.from({ length: 16 }, (_, k) => text(i * 16 + k));
    const outcomes = await Promise.allSettled(burst.map((each) => store.admin.remember(each, { namespace })));
    for (const [k, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') errors.push(outcome.reason);
      else acknowledged.set(outcome.value.id, burst[k] as string);
    }
  }
  return { acknowledged, errors };
}

async function all(store: MemoryStore): Promise<Memory[]> {
  const memories: Memory[] = [];
  for await (const memory of store.admin.list({ limit: 1000 })) memories.push(memory);
  return memories;
}

async function expectExactly(store: MemoryStore, acknowledged: ReadonlyMap<string, string>): Promise<void> {
  expect(new Map((await all(store)).map((memory) => [memory.id, memory.text]))).toEqual(acknowledged);
  const [id, known] = [...acknowledged].at(-1) as [string, string];
  const word = known.split(' ')[1] as string;
  expect((await store.admin.recall(word, { mode: 'keyword' })).map((hit) => hit.id)).toEqual([id]);
  expect((await store.admin.recall(known, { topK: 3 })).map((hit) => hit.id)).toContain(id);
}

function expectFull(errors: readonly unknown[]): void {
  for (const error of errors) {
    expect(error).toSatisfy(MemoryError.is);
    expect(error).toMatchObject({ code: 'DISK_FULL', retryable: true });
  }
}

describe.skipIf(!isPermitted)('a full disk (skipped if no small disk can be mounted)', () => {
  const disk = (megabytes: number) => smallDisk(megabytes) as string;

  test('makes writes fail with DISK_FULL; every acknowledged write is kept, and writes work again when there is space', async () => {
    const small = disk(24);
    const folder = join(small, 'store');
    fillUp(small, 8 * 2 ** 20);
    const store = await MemoryStore.open(folder);
    const { acknowledged, errors } = await writeUntilFull(store);
    expect(acknowledged.size).toBeGreaterThan(100);
    expectFull(errors);
    await expectExactly(store, acknowledged);
    expect((await store.verify()).ok).toBe(true);

    const [first, second] = acknowledged.keys();
    const outcomes = await Promise.allSettled([
      store.admin.update(first as string, { text: 'Never.' }),
      store.admin.forget(second as string),
      store.admin.rememberMany(
        Array.from({ length: 64 }, (_, i) => ({ text: text(90_000 + i), namespace })),
        { atomic: true },
      ),
    ]);
    expectFull(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : [])));
    if (outcomes[0]?.status === 'fulfilled') acknowledged.set(first as string, 'Never.');
    // A deletion uses the reserve, and empties the write-ahead log.
    expect(outcomes[1]?.status).toBe('fulfilled');
    acknowledged.delete(second as string);
    const [, , batch] = outcomes;
    if (batch.status === 'fulfilled')
      for (const result of batch.value.results) if (result.ok) acknowledged.set(result.id, text(90_000 + result.index));
    await expectExactly(store, acknowledged);

    makeRoom(small);
    const { id } = await store.admin.remember('There is room.', { namespace });
    acknowledged.set(id, 'There is room.');
    await store.close();
    await using reopened = await MemoryStore.open(folder);
    expect((await all(reopened)).length).toBe(acknowledged.size);
    expect(await reopened.verify()).toEqual({ ok: true, problems: [] });
  });

  test('loses no acknowledged write if it is still full at close and at the next open', async () => {
    const small = disk(24);
    const folder = join(small, 'store');
    fillUp(small, 8 * 2 ** 20);
    const store = await MemoryStore.open(folder);
    const { acknowledged, errors } = await writeUntilFull(store);
    expectFull(errors);
    fillUp(small);
    await store.close();
    fillUp(small);
    const attempt = await MemoryStore.open(folder).catch((error: unknown) => error);
    if (attempt instanceof MemoryStore) {
      await expectExactly(attempt, acknowledged);
      await attempt.close();
    } else expectFull([attempt]);
    makeRoom(small);
    await using reopened = await MemoryStore.open(folder);
    await expectExactly(reopened, acknowledged);
    expect(await reopened.verify()).toEqual({ ok: true, problems: [] });
    await reopened.admin.remember('There is room.', { namespace });
  });

  test('makes open fail with DISK_FULL if there is no store yet, and leaves no half store', async () => {
    for (const leave of [0, 4096, 16_384, 32_768, 65_536, 131_072, 196_608, 262_144, 400_000]) {
      const small = disk(4);
      const folder = join(small, 'store');
      fillUp(small, leave);
      const attempt = await MemoryStore.open(folder).catch((error: unknown) => error);
      if (attempt instanceof MemoryStore) await attempt.close();
      else expectFull([attempt]);
      makeRoom(small);
      await using store = await MemoryStore.open(folder);
      await store.admin.remember('There is room.', { namespace });
      expect(await store.verify()).toEqual({ ok: true, problems: [] });
    }
  });

  test('allows memories to be forgotten, and then others to be written in their place', async () => {
    const small = disk(48);
    const folder = join(small, 'store');
    fillUp(small, 24 * 2 ** 20);
    await using store = await MemoryStore.open(folder);
    const { acknowledged, errors } = await writeUntilFull(store);
    expectFull(errors);
    fillUp(small);
    const ids = [...acknowledged.keys()];
    for (const id of ids.slice(0, 50)) expect(await store.admin.forget(id)).toBe(true);
    const results = await Promise.allSettled([
      ...ids.slice(50, 60).map((id) => store.admin.forget(id)),
      store.admin.remember('Never.', { namespace }),
    ]);
    expect(results.slice(0, 10).map(({ status }) => status)).toEqual(Array(10).fill('fulfilled'));
    await store.admin.forgetWhere({ namespace }, { dryRun: false });
    expect(await store.admin.count()).toBe(0);
    // The write-ahead log is emptied within a second, and gives its space back.
    const again = () =>
      store.admin.remember('There is room.', { namespace }).then(
        ({ outcome }) => outcome,
        ({ code }) => code,
      );
    await expect.poll(again).toBe('stored');
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('allows a store that was closed on it to be opened, and its memories to be forgotten', async () => {
    const small = disk(48);
    const folder = join(small, 'store');
    fillUp(small, 24 * 2 ** 20);
    const store = await MemoryStore.open(folder);
    const { acknowledged, errors } = await writeUntilFull(store);
    expectFull(errors);
    fillUp(small);
    await store.close();
    fillUp(small);
    await using reopened = await MemoryStore.open(folder);
    await expectExactly(reopened, acknowledged);
    // The open has left a part of the reserve.
    const more = await writeUntilFull(reopened);
    expectFull(more.errors);
    await reopened.admin.forgetWhere({ namespace }, { dryRun: false });
    expect(await reopened.admin.count()).toBe(0);
    makeRoom(small);
    await reopened.admin.remember('There is room.', { namespace });
    expect(readdirSync(folder)).toContain('memory.reserve');
    expect(await reopened.verify()).toEqual({ ok: true, problems: [] });
  });

  test('makes a backup fail with DISK_FULL, leaves no copy, and does not change the store', async () => {
    const small = disk(4);
    await using store = await MemoryStore.open(temporaryFolder());
    const items = Array.from({ length: 2_000 }, (_, i) => ({ text: text(i), namespace }));
    await store.admin.rememberMany(items);
    const target = join(small, 'backup');
    await expect(store.backup(target)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(readdirSync(target)).toEqual([]);
    fillUp(small);
    await expect(store.backup(join(small, 'another/one'))).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await store.admin.count()).toBe(items.length);
    const roomy = disk(64);
    mkdirSync(join(roomy, 'backup'));
    await store.backup(join(roomy, 'backup'));
    await using copy = await MemoryStore.open(join(roomy, 'backup'));
    expect(await copy.admin.count()).toBe(items.length);
  });

  test('loses no acknowledged write if checkpoints fail before it is full', async () => {
    const small = disk(60);
    const folder = join(small, 'store');
    writeFileSync(join(small, 'filler-0'), Buffer.alloc(4 * 2 ** 20));
    const store = await MemoryStore.open(folder);
    const { acknowledged, errors } = await writeUntilFull(store, 200);
    expectFull(errors);
    // Enough writes for a checkpoint, or for an attempt at one.
    expect(acknowledged.size).toBeGreaterThan(4_000);
    await expectExactly(store, acknowledged);
    await store.close();
    makeRoom(small);
    await using reopened = await MemoryStore.open(folder);
    await expectExactly(reopened, acknowledged);
    expect(await reopened.verify()).toEqual({ ok: true, problems: [] });
  });

  test('makes searches exact while there is no space for the index, reports this, and gets an index when there is space', async () => {
    const small = disk(24);
    const folder = join(small, 'store');
    const clock = { now: () => Date.UTC(2026, 0, 1) };
    // So different that no estimate confuses them.
    const what = [
      'river',
      'engine',
      'violin',
      'tax',
      'wedding',
      'surgery',
      'goal',
      'recipe',
      'flight',
      'poem',
      'shark',
      'loan',
    ];
    const where = [
      'Oslo',
      'prison',
      'kitchen',
      'desert',
      'school',
      'stadium',
      'court',
      'opera',
      'farm',
      'hospital',
      'harbour',
      'bank',
    ];
    const told = (i: number) =>
      `${what[i % 12]} ${where[Math.floor(i / 12) % 12]} ${what[(i * 5 + Math.floor(i / 144)) % 12]} ${i}`;
    const exact = await MemoryStore.open(folder, { clock });
    await exact.admin.rememberMany(Array.from({ length: 600 }, (_, i) => ({ text: told(i), namespace })));
    const answers = (store: MemoryStore) => store.admin.recall(told(17), { mode: 'semantic', topK: 5 });
    const expected = await answers(exact);
    await exact.close();

    fillUp(small, 400_000);
    const store = await MemoryStore.open(folder, { clock, exactUpTo: 50 });
    const degraded: unknown[] = [];
    store.on('degraded', ({ part, error }) => void degraded.push({ part, code: error.code }));
    expect(await answers(store)).toEqual(expected);
    await store.settled();
    expect(degraded).toContainEqual({ part: 'index', code: 'DISK_FULL' });
    expect(await answers(store)).toEqual(expected);

    makeRoom(small);
    await store.settled();
    expect(await answers(store)).toEqual(expected);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    expect(readdirSync(join(folder, 'index'))).toContain('manifest.json');
    await store.close();
  });
});
