import { type ConsolidationPolicy, type MemoryHandle, MemoryStore, type Summarizer } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test, vi } from 'vitest';
import { issuePaths, openFolder, openInMemory, temporaryFolder } from '../store/stores';
import { oneFact, pairs } from './summarizers';

const dayMs = 24 * 60 * 60 * 1000;

async function rememberNotes(handle: MemoryHandle, count: number, namespace: string[]): Promise<void> {
  for (let i = 0; i < count; i++) await handle.remember(`note ${i} says that parcel ${i} was delivered`, { namespace });
}

const facts = (store: MemoryStore) => store.admin.count({ filter: { kind: 'summary' } });
const policy = (more: Partial<ConsolidationPolicy> = {}): ConsolidationPolicy => ({
  at: ['support'],
  olderThanDays: 0,
  everyWrites: 8,
  summarizer: oneFact(),
  ...more,
});

describe('consolidation policies', () => {
  test('run after a number of writes in their namespace, and only there', async () => {
    const store = await openInMemory({ consolidation: policy() });
    await rememberNotes(store.admin, 8, ['sales']);
    await rememberNotes(store.admin, 7, ['support']);
    expect((await store.lifecycle.status()).consolidation).toMatchObject([{ at: ['support'], writesUntilRun: 1 }]);
    await rememberNotes(store.admin, 1, ['support', 'eu']);
    await vi.waitFor(async () => {
      expect((await store.lifecycle.status()).consolidation[0]?.lastRun).toBeDefined();
    }, 5_000);
    // Seven memories in one namespace, and one in another, are too few.
    expect(await facts(store)).toBe(0);
    await rememberNotes(store.admin, 8, ['support']);
    await vi.waitFor(async () => expect(await facts(store)).toBe(1), 5_000);
    expect(await store.admin.count({ namespace: ['sales'] })).toBe(8);
  });

  test('quote the memories without a model, unless they have a summarizer', async () => {
    const store = await openInMemory({ consolidation: { at: [], olderThanDays: 0, ratio: 0.4 } });
    await rememberNotes(store.admin, 20, ['support']);
    const { consolidation } = await store.lifecycle.run({ dryRun: false });
    expect(consolidation).toMatchObject([{ at: [], result: { groups: 1, sources: 20, usage: { inputTokens: 0 } } }]);
    const [fact] = (await store.admin.list()).items;
    expect(fact?.text).toContain('parcel');
    expect((await store.admin.sources(fact?.id ?? '')).length).toBeGreaterThan(0);
  });

  test('take only memories that are old enough, and the deepest policy decides', async () => {
    const clock = fakeClock();
    const deep = { ...policy(), at: ['support', 'eu'], summarizer: oneFact('deep') };
    const store = await openInMemory({ clock, consolidation: [policy({ olderThanDays: 30, at: [] }), deep] });
    for (const namespace of [['support'], ['support', 'eu']]) await rememberNotes(store.admin, 8, namespace);
    const run = async () => (await store.lifecycle.run({ dryRun: false })).consolidation.map(({ result }) => result);
    expect(await run()).toMatchObject([{ groups: 0, skipped: [{ reason: 'recent', count: 8 }] }, { groups: 1 }]);
    clock.advance(31 * dayMs);
    expect(await run()).toMatchObject([{ groups: 1 }, { groups: 0 }]);
    const texts = (await store.admin.list({ order: 'oldest' })).items.map(({ text }) => text);
    expect(texts).toEqual(['deep', 'fact']);
  });

  test('spend at most their budget of a day, also after a restart', async () => {
    const folder = await temporaryFolder();
    const clock = fakeClock(Date.UTC(2030, 0, 1));
    let calls = 0;
    const summarizer: Summarizer = {
      ...pairs(),
      summarize: async (group, options) => {
        calls++;
        const { facts } = await pairs().summarize(group, options);
        return { facts, usage: { inputTokens: 100, outputTokens: 10 } };
      },
    };
    const consolidation = policy({ summarizer, everyWrites: 1_000, maxSources: 8, budget: { callsPerDay: 2 } });
    const run = async (rest: number) => {
      const store = await openFolder(folder, { clock, consolidation });
      if (rest > 0) await rememberNotes(store.admin, 8, ['support']);
      const [one] = (await store.lifecycle.run({ dryRun: false })).consolidation;
      const [status] = (await store.lifecycle.status()).consolidation;
      await store.close();
      return [one?.result.groups, one?.result.skipped, status?.spentToday] as const;
    };
    expect(await run(1)).toEqual([1, [], { calls: 1, inputTokens: 100, outputTokens: 10 }]);
    expect((await run(1))[0]).toBe(1);
    const spent = { calls: 2, inputTokens: 200, outputTokens: 20 };
    expect(await run(1)).toEqual([0, [{ reason: 'budget', count: 8 }], spent]);
    expect(calls).toBe(2);
    clock.advance(dayMs);
    expect(await run(0)).toEqual([1, [], { calls: 1, inputTokens: 100, outputTokens: 10 }]);
  });

  test.each([
    [3, 1, { calls: 2, inputTokens: 200, outputTokens: 20 }],
    [1, 0, { calls: 1, inputTokens: 100, outputTokens: 10 }],
  ])(
    'ask a model once more if nothing of its answer can be stored, within a budget of %d',
    async (most, groups, spent) => {
      let calls = 0;
      const summarizer: Summarizer = {
        ...pairs(),
        summarize: async (group, options) => {
          const { facts } = await pairs().summarize(group, options);
          return { facts: ++calls === 1 ? [] : facts, usage: { inputTokens: 100, outputTokens: 10 } };
        },
      };
      const consolidation = policy({ summarizer, everyWrites: 1_000, maxSources: 8, budget: { callsPerDay: most } });
      const store = await openInMemory({ consolidation });
      await rememberNotes(store.admin, 8, ['support']);
      const [one] = (await store.lifecycle.run({ dryRun: false })).consolidation;
      expect([one?.result.groups, (await store.lifecycle.status()).consolidation[0]?.spentToday]).toEqual([
        groups,
        spent,
      ]);
      expect(one?.result.skipped).toEqual(groups === 1 ? [] : [{ reason: 'no-facts', count: 8 }]);
    },
  );

  test('count a call that fails, reserve what it may cost, and leave its memories as they are', async () => {
    const down: Summarizer = { ...oneFact(), summarize: async () => Promise.reject(new Error('down')) };
    const budget = { inputTokensPerDay: 1_000_000 };
    const store = await openInMemory({ consolidation: policy({ summarizer: down, budget, everyWrites: 8 }) });
    const errors: string[] = [];
    store.on('degraded', ({ part, error }) => errors.push(`${part}: ${error.message}`));
    await rememberNotes(store.admin, 8, ['support']);
    await vi.waitFor(() => expect(errors).toHaveLength(1), 5_000);
    const [status] = (await store.lifecycle.status()).consolidation;
    expect(status?.lastRun?.result.skipped).toEqual([{ reason: 'failed', count: 8 }]);
    expect(status?.spentToday.calls).toBe(1);
    expect(status?.spentToday.inputTokens).toBeGreaterThan(1_000);
    expect(await store.admin.count()).toBe(8);
  });

  test("quote the memories if the summarizer fails and the policy says 'extractive'", async () => {
    const down: Summarizer = { ...oneFact(), summarize: async () => Promise.reject(new Error('down')) };
    const store = await openInMemory({ consolidation: policy({ summarizer: down, onFailure: 'extractive' }) });
    await rememberNotes(store.admin, 8, ['support']);
    await store.lifecycle.run({ dryRun: false });
    const [fact] = (await store.admin.list()).items;
    expect(fact?.source.ref).toMatch(/^extractive/);
  });

  test('a dry run of all policies changes nothing', async () => {
    const store = await openInMemory({ consolidation: policy({ everyWrites: 1_000 }) });
    await rememberNotes(store.admin, 8, ['support']);
    const { consolidation } = await store.lifecycle.run({ dryRun: true });
    expect(consolidation[0]?.result.preview).toHaveLength(1);
    expect(await store.admin.count()).toBe(8);
  });

  test('a store without policies has no results', async () => {
    const store = await openInMemory();
    expect(await store.lifecycle.run({ dryRun: false })).toEqual({ consolidation: [], retention: [] });
    const erasures = { running: 0, waiting: 0, complete: 0 };
    expect(await store.lifecycle.status()).toEqual({ consolidation: [], retention: [], erasures });
  });

  test('every invalid field is reported at once', async () => {
    const consolidation = [
      { at: ['a'], everyWrites: 0, ratio: 2 },
      { at: ['b'], budget: { callsPerDay: -1 }, everyMs: 1 },
      { at: ['b'], minSources: 9, maxSources: 8 },
    ];
    expect(await issuePaths(() => MemoryStore.inMemory({ consolidation } as never))).toEqual([
      'consolidation.0.everyWrites',
      'consolidation.0.ratio',
      'consolidation.1.budget.callsPerDay',
      'consolidation.1.everyMs',
      'consolidation.2.maxSources',
    ]);
    const twice = [{ at: ['a'] }, { at: ['a'] }];
    expect(await issuePaths(() => MemoryStore.inMemory({ consolidation: twice }))).toEqual(['consolidation.1.at']);
    expect(await issuePaths(() => MemoryStore.inMemory({ consolidation: {} } as never))).toEqual(['consolidation.at']);
  });
});
