import { type Memory, MemoryError } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { message, start } from './child';
import { codeOf, openInMemory } from './stores';

const namespace = ['support'];

describe('an in-memory store', () => {
  test('has ids that count up, and a clock that starts in 2026 and advances with each write', async () => {
    const store = await openInMemory();
    const memories: Memory[] = [];
    for (let i = 0; i < 3; i++) {
      const { id } = await store.admin.remember('note', { namespace });
      memories.push((await store.admin.get(id)) as Memory);
    }
    expect(memories.map(({ id }) => id)).toEqual([
      '00000000-0000-7000-8000-000000000001',
      '00000000-0000-7000-8000-000000000002',
      '00000000-0000-7000-8000-000000000003',
    ]);
    const times = memories.map(({ createdAt }) => createdAt.getTime());
    expect(times[0]).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 1));
    expect(times[0]).toBeLessThan(Date.UTC(2026, 0, 1, 0, 1));
    expect(new Set(times).size).toBe(3);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
  });

  test('uses a clock and a function for ids from the host', async () => {
    let now = 1_000;
    const ids = ['first', 'second'];
    const store = await openInMemory({ clock: { now: () => now }, newId: () => ids.shift() ?? 'none' });
    expect((await store.admin.remember('note', { namespace })).id).toBe('first');
    now = 5_000;
    await store.admin.remember('note', { namespace });
    expect((await store.admin.get('second'))?.createdAt).toEqual(new Date(5_000));
  });

  test('rounds the times of the clock down to whole milliseconds', async () => {
    const store = await openInMemory({ clock: { now: () => 1_000.75 } });
    const { id } = await store.admin.remember('note', { namespace });
    const { createdAt, validFrom } = (await store.admin.get(id)) as Memory;
    expect(await store.admin.count({ filter: { createdAt, validFrom } })).toBe(1);
    expect(await store.admin.count({ asOf: createdAt })).toBe(1);
  });

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], ['now'], [undefined]])(
    'rejects a write while the clock shows %s, and accepts the next one',
    async (reading) => {
      let broken = false;
      const store = await openInMemory({ clock: { now: () => (broken ? (reading as number) : 5) } });
      const good = store.admin.remember('before', { namespace });
      broken = true;
      const bad = store.admin.remember('note', { namespace }).then(
        () => 'stored',
        (error) => MemoryError.is(error),
      );
      expect(await bad).toBe(true);
      await good;
      broken = false;
      expect(await store.admin.count()).toBe(1);
    },
  );

  test.each([[''], [5], [undefined], ['x'.repeat(600)], ['half \ud800']])(
    'rejects the id %j that `newId` returns',
    async (id) => {
      const store = await openInMemory({ newId: () => id as string });
      expect(await codeOf(() => store.admin.remember('note', { namespace }))).toBe('INVALID_INPUT');
      expect(await store.admin.count()).toBe(0);
    },
  );

  test('shares nothing with other in-memory stores', async () => {
    const [one, two] = [await openInMemory(), await openInMemory()];
    await one.admin.remember('note', { namespace });
    expect(await two.admin.count()).toBe(0);
  });

  test('loads neither LanceDB nor any other large library, and prints nothing', async () => {
    const child = start('in-memory');
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (printed += chunk));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    expect(await message(child)).toEqual({ heavy: [], knowsNative: true });
    child.disconnect();
    expect(await ended).toBe(0);
    expect(printed).toBe('');
  });
});
