import fc from 'fast-check';
import { allow, deny, type MemoryError, type MemoryHandle, type MemoryStore, type NewMemory } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openInMemory, take } from '../store/stores';

/** One thing that happens in a world, by somebody, at a moment. */
interface Deed {
  readonly kind: 'remember' | 'update' | 'forget' | 'supersede' | 'search';
  readonly text: string;
  readonly options: Omit<NewMemory, 'text'>;
  /** Which earlier memory of the same half of the world it is about. */
  readonly target: number;
  /** Whether the reader does it itself, and so hears what became of it. */
  readonly byReader: boolean;
}

const words = ['apple', 'banana', 'cherry', 'damson'];
const text = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }).map((list) => list.join(' '));

function deed(place: fc.Arbitrary<Pick<NewMemory, 'namespace' | 'visibility' | 'accessTags'>>): fc.Arbitrary<Deed> {
  const fields = fc.record(
    {
      key: fc.constantFrom('k1', 'k2'),
      userId: fc.constantFrom('u1', 'u2'),
      tags: fc.constantFrom<string[]>(['x'], ['x', 'y']),
      priority: fc.constantFrom(0, 0.5, 1),
      validFrom: fc.constantFrom(Date.UTC(2025, 10), Date.UTC(2025, 11)),
      expiresAt: fc.constantFrom(Date.UTC(2025, 0), Date.UTC(2030, 0)),
      idempotencyKey: fc.constantFrom('i1', 'i2'),
      embed: fc.constant(false as const),
    },
    { requiredKeys: [] },
  );
  return fc.record({
    kind: fc.constantFrom('remember' as const, 'remember', 'remember', 'update', 'forget', 'supersede', 'search'),
    text,
    options: fc.tuple(fields, place).map(([options, labels]) => ({ ...options, ...labels })),
    target: fc.nat(20),
    byReader: fc.boolean(),
  });
}

const seen = deed(
  fc.constantFrom({ namespace: ['open'] }, { namespace: ['open', 'eu'] }, { namespace: ['open', 'us'] }),
);
/** Where the reader may not look: elsewhere, denied, private to somebody else, or under an access tag. */
const unseen = deed(
  fc.constantFrom(
    { namespace: ['closed'] },
    { namespace: ['open-ish'] },
    { namespace: ['open', 'vip'] },
    { namespace: [] },
    { namespace: ['open'], visibility: 'private' as const },
    { namespace: ['open', 'eu'], visibility: 'private' as const },
    { namespace: ['open'], accessTags: ['secret'] },
  ),
);

const access = [
  allow({ agentId: 'reader' }, 'curator', ['open']),
  deny({ agentId: 'reader' }, ['read'], ['open', 'vip']),
  allow({ agentId: 'writer' }, 'curator', []),
  allow({ agentId: 'hider' }, 'curator', []),
];

/** Does a deed, remembers the memory it made, and answers with what its doer was told. */
async function act(
  handle: MemoryHandle,
  { kind, text: content, options, target }: Deed,
  made: string[],
): Promise<unknown> {
  const id = made[target % Math.max(1, made.length)] ?? 'none';
  try {
    if (kind === 'update') return await handle.update(id, { text: content, priority: 0.7 });
    if (kind === 'forget') return await handle.forget(id);
    if (kind === 'search') return await handle.recall(content, { topK: 3 });
    const remembered = await handle.remember(content, kind === 'supersede' ? { ...options, supersedes: id } : options);
    made.push(remembered.id);
    return remembered;
  } catch (error) {
    // Such as superseding what is superseded already.
    return (error as MemoryError).message;
  }
}

interface World {
  readonly store: MemoryStore;
  readonly visible: string[];
  /** What the reader was told while it acted. */
  readonly told: unknown[];
}

async function world(
  script: readonly { deed: Deed; hidden: boolean }[],
  withHidden: boolean,
  memory: number,
): Promise<World> {
  let [now, number, hiding] = [Date.UTC(2026, 0, 1), 0, false];
  let hiddenNumber = 0;
  const store = await openInMemory({
    access,
    clock: { now: () => now },
    newId: () => (hiding ? `hidden-${hiddenNumber++}` : `id-${String(number++).padStart(4, '0')}`),
    vectorMemoryBytes: memory,
  });
  const [visible, hidden, told]: [string[], string[], unknown[]] = [[], [], []];
  const [writer, hider] = [store.as({ agentId: 'writer' }), store.as({ agentId: 'hider' })];
  const reader = store.as({ agentId: 'reader' });
  for (const [i, each] of script.entries()) {
    hiding = each.hidden;
    now = Date.UTC(2026, 0, 1) + i * 1_000;
    if (!each.hidden) {
      const answer = await act(each.deed.byReader ? reader : writer, each.deed, visible);
      if (each.deed.byReader) told.push(answer);
    }
    if (each.hidden && withHidden) await act(each.deed.options.accessTags ? store.admin : hider, each.deed, hidden);
    // Keeps the numbers of visible ids together, whatever was refused.
    number = 1 + i * 10;
  }
  now = Date.UTC(2026, 0, 20);
  return { store, visible, told };
}

/** Everything that a reader can learn. */
async function everything({ store, visible, told }: World): Promise<string> {
  const handles = [
    store.as({ agentId: 'reader' }),
    store.as({ agentId: 'reader' }, { namespace: ['open'], tags: ['x'] }),
    store.as({ agentId: 'reader' }, { namespace: ['open', 'eu'], userId: 'u1' }),
    store.as({ agentId: 'nobody' }),
    store.as({ agentId: 'reader', onBehalfOf: { userId: 'u1' } }),
  ];
  const learnt: unknown[] = [told];
  for (const handle of handles) {
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
      for (const [query, options] of [
        ['apple', { topK: 3 }],
        ['banana cherry', { topK: 50 }],
        ['damson', { filter: { priority: { gte: 0.5 } } }],
        ['apple', { include: ['superseded', 'expired'] as const }],
      ] as const) {
        learnt.push(await handle.recall(query, { ...options, mode, explain: true }));
      }
    }
    const include = ['expired', 'superseded', 'quarantined'] as const;
    learnt.push(await handle.list({ limit: 2 }), await handle.list({ include, order: 'oldest', limit: 3 }));
    learnt.push(await handle.count(), await handle.count({ include }), await handle.count({ tags: ['y'] }));
    learnt.push(await handle.namespaces(), await handle.namespaces({ maxDepth: 1 }));
    for (const id of visible) learnt.push(await handle.get(id), await handle.history(id));
    for (const namespace of [['open'], ['open', 'eu'], ['open', 'vip'], ['closed'], []]) {
      for (const key of ['k1', 'k2']) learnt.push((await handle.get({ namespace, key })) ?? null);
    }
    learnt.push(await handle.forgetWhere({ filter: { kind: 'episodic' } }, { dryRun: true }));
    learnt.push(await fed(handle));
  }
  return JSON.stringify(learnt);
}

/** All that a watch has to tell at this moment. */
async function fed(handle: MemoryHandle): Promise<unknown> {
  const controller = new AbortController();
  const changes: unknown[] = [];
  const timer = setTimeout(() => controller.abort(), 5);
  for await (const change of handle.watch({ since: 'start', signal: controller.signal })) changes.push(change);
  clearTimeout(timer);
  return changes;
}

describe('what a reader may not see', () => {
  test('changes nothing that it can learn: no id, order, score, part, count, cursor, key or change', async () => {
    const script = fc.array(
      fc.oneof(
        seen.map((each) => ({ deed: each, hidden: false })),
        unseen.map((each) => ({ deed: each, hidden: true })),
      ),
      { minLength: 5, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(script, fc.constantFrom(0, 4_000, 2 ** 28), async (deeds, memory) => {
        const [without, beside] = [await world(deeds, false, memory), await world(deeds, true, memory)];
        expect(beside.visible).toEqual(without.visible);
        // Somebody who sees everything searches first: nothing of that may stay.
        await beside.store.admin.recall('apple banana', { topK: 100 });
        expect(await everything(beside)).toBe(await everything(without));
        await without.store.close();
        await beside.store.close();
      }),
      { numRuns: 20, endOnFailure: true },
    );
  }, 60_000);

  test('has no part in the keyword scores, however much of it there is', async () => {
    const scores = async (hidden: number) => {
      const store = await openInMemory({ access, clock: { now: () => 0 } });
      const writer = store.as({ agentId: 'writer' });
      for (const each of ['apple pie', 'banana split', 'apple banana'])
        await writer.remember(each, { namespace: ['open'] });
      await writer.rememberMany(
        Array.from({ length: hidden }, (_, i) => ({ text: `apple apple apple ${i}`, namespace: ['closed'] })),
      );
      const hits = await store.as({ agentId: 'reader' }).recall('apple', { explain: true });
      return hits.map(({ text: content, score, parts }) => [content, score, parts]);
    };
    expect(await scores(500)).toEqual(await scores(0));
  });

  test('does not make a write look different: a key of an unreadable memory is free', async () => {
    const store = await openInMemory({ access });
    await store.as({ agentId: 'writer' }).remember('private', { namespace: ['open'], key: 'k', visibility: 'private' });
    await store.admin.remember('tagged', { namespace: ['open'], key: 'k', accessTags: ['secret'] });
    const reader = store.as({ agentId: 'reader' }, { namespace: ['open'] });
    expect((await reader.remember('own', { key: 'k' })).outcome).toBe('stored');
    expect((await reader.get({ namespace: ['open'], key: 'k' }))?.text).toBe('own');
    expect((await take(reader.watch({ since: 'start' }), 1))[0]?.memory?.text).toBe('own');
  });
});
