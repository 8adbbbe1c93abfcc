import { allow, MemoryStore } from 'multi-agent-memory';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { all, take } from './stores';

const namespace = ['support'];

/** A good deal of everything, with what came of it. */
async function everything(Store: typeof MemoryStore = MemoryStore): Promise<unknown[]> {
  const store = await Store.inMemory({ access: [allow('everyone', 'curator', [])] });
  const agent = store.as({ agentId: 'billing' }, { namespace });
  const feed = take(agent.watch(), 6);
  const { id } = await agent.remember('The refund goes to the card.', { key: 'k', metadata: { order: 1 } });
  const many = await agent.rememberMany(
    Array.from({ length: 3 }, (_, i) => ({ text: `note ${i}` })),
    { atomic: true },
  );
  const each = await agent.rememberMany([{ text: 'one more' }], { batchSize: 1, onProgress: () => undefined });
  const updated = await agent.update(id, { text: 'The refund goes to the bank.' });
  const found: unknown[] = [id, many, each, updated];
  for (const mode of ['hybrid', 'semantic', 'keyword'] as const) found.push(await agent.recall('refund', { mode }));
  found.push(await agent.list(), await all(agent.list({ limit: 1 })), await agent.count(), await agent.namespaces());
  found.push(await agent.history(id), await feed);
  found.push(await agent.forget(id), await agent.forgetWhere({ namespace }, { dryRun: false }));
  await store.settled();
  found.push(await store.verify({ repair: true }), await store.stats());
  await store.close();
  return found;
}

// A file of its own worker: a store that another file has left open also sets timers, which these tests would count.
describe('an in-memory store', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.resetModules();
  });

  test('works under fake timers', async () => {
    const expected = JSON.stringify(await everything());
    vi.useFakeTimers();
    expect(JSON.stringify(await everything())).toBe(expected);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('works under fake timers that were installed before the library was loaded', async () => {
    vi.useFakeTimers({ now: 0 });
    vi.resetModules();
    const { MemoryStore: Fresh } = await import('multi-agent-memory');
    expect(Fresh).not.toBe(MemoryStore);
    await everything(Fresh as unknown as typeof MemoryStore);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('works with fake microtasks and a fake performance clock', async () => {
    vi.useFakeTimers({
      toFake: ['queueMicrotask', 'performance', 'setImmediate', 'setTimeout', 'setInterval', 'Date'],
    });
    await everything();
  });

  test('has the same ids, times, scores and cursors in every run', async () => {
    expect(JSON.stringify(await everything())).toBe(JSON.stringify(await everything()));
  });
});
