import type { Memory, MemoryFields } from 'multi-agent-memory';
import { fakeClock, faultyEmbedder } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { codeOf, issuePaths, openInMemory } from '../store/stores';

const namespace = ['support'];

async function stored(options: MemoryFields & { text?: string; key?: string } = {}) {
  const clock = fakeClock();
  const store = await openInMemory({ clock });
  const { text = 'The refund goes to the card.', ...rest } = options;
  const { id } = await store.admin.remember(text, { namespace, ...rest });
  clock.advance(1_000);
  return { store, clock, id, memory: (await store.admin.get(id)) as Memory };
}

describe('update', () => {
  test.each<[string, object]>([
    ['text', { text: 'The refund goes to the bank.' }],
    ['kind', { kind: 'semantic' }],
    ['tags', { tags: ['a', 'b'] }],
    ['priority', { priority: 0.9 }],
    ['metadata', { metadata: { order: 'A-1' } }],
    ['validFrom', { validFrom: new Date(5) }],
    ['validTo', { validTo: new Date('2031-01-01T00:00:00Z') }],
    ['expiresAt', { expiresAt: new Date('2031-01-01T00:00:00Z') }],
  ])('replaces %s and nothing else', async (_, patch) => {
    const { store, clock, id, memory } = await stored({ tags: ['x'], metadata: { old: true } });
    const expected = { ...memory, ...patch, revision: 2, updatedAt: new Date(clock.now()) };
    expect(await store.admin.update(id, patch)).toEqual(expected);
    expect(await store.admin.get(id)).toEqual(expected);
  });

  test('makes one revision when it changes several fields', async () => {
    const { store, id } = await stored();
    const updated = await store.admin.update(id, { text: 'new', tags: ['t'], priority: 0, kind: 'procedural' });
    expect(updated).toMatchObject({ revision: 2, text: 'new', tags: ['t'], priority: 0, kind: 'procedural' });
    expect(await store.admin.history(id)).toHaveLength(2);
  });

  test('resets a field to its default if its new value is null', async () => {
    const given: MemoryFields = {
      kind: 'semantic',
      tags: ['x'],
      priority: 1,
      metadata: { a: 1 },
      validFrom: new Date(5),
      validTo: new Date(6),
      expiresAt: '2031-01-01T00:00:00Z',
    };
    const { store, id, memory } = await stored(given);
    const cleared = Object.fromEntries(Object.keys(given).map((field) => [field, null]));
    const updated = await store.admin.update(id, cleared);
    expect(updated).toMatchObject({
      kind: 'episodic',
      tags: [],
      priority: 0.5,
      metadata: {},
      validFrom: memory.createdAt,
    });
    expect(updated).not.toHaveProperty('validTo');
    expect(updated).not.toHaveProperty('expiresAt');
  });

  test('makes a memory findable by its new text, and no longer by its old text', async () => {
    const { store, id } = await stored({ tags: ['old'] });
    await store.admin.update(id, { text: 'Wants an exchange.', tags: ['new'] });
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
      expect((await store.admin.recall('exchange', { mode }))[0]).toMatchObject({ id, text: 'Wants an exchange.' });
    }
    expect(await store.admin.recall('refund', { mode: 'keyword' })).toEqual([]);
    expect(await store.admin.count({ tags: ['old'] })).toBe(0);
    expect(await store.admin.count({ tags: ['new'] })).toBe(1);
    const [best] = await store.admin.recall('Wants an exchange.', { mode: 'semantic', explain: true });
    expect(best?.parts?.semantic).toBeCloseTo(0.94, 5);
  });

  test('calls the embedder only if the text changes', async () => {
    const embedder = faultyEmbedder();
    const store = await openInMemory({ embedder });
    const { id } = await store.admin.remember('text', { namespace });
    embedder.fault = new Error('away');
    expect(await store.admin.update(id, { priority: 1 })).toMatchObject({ revision: 2 });
    expect(await codeOf(() => store.admin.update(id, { text: 'new' }))).toBe('EMBEDDING_FAILED');
    expect(await store.admin.get(id)).toMatchObject({ revision: 2, text: 'text' });
  });

  test('adds no vector to a memory that was stored without one', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('one', { namespace, embed: false });
    await store.admin.update(id, { text: 'two' });
    expect(await store.admin.recall('two', { mode: 'semantic' })).toEqual([]);
    expect(await store.admin.recall('two', { mode: 'keyword' })).toHaveLength(1);
  });

  test('shows an expired memory again if it removes `expiresAt`', async () => {
    const { store, clock, id } = await stored({ expiresAt: '2026-01-01T00:00:05Z' });
    clock.advance(10_000);
    expect(await store.admin.count()).toBe(0);
    await store.admin.update(id, { expiresAt: null });
    expect(await store.admin.count()).toBe(1);
  });

  test('keeps every field that it cannot change', async () => {
    const { store, id, memory } = await stored({ key: 'k' });
    const fields = {
      id: 'x',
      namespace: ['y'],
      visibility: 'private',
      userId: 'u',
      key: 'k2',
      source: { channel: 'tool' },
    };
    expect(await issuePaths(() => store.admin.update(id, { priority: 1, ...fields } as never))).toEqual(
      Object.keys(fields)
        .map((field) => `patch.${field}`)
        .sort(),
    );
    expect(await store.admin.get(id)).toEqual(memory);
  });

  test.each([{}, { text: undefined }, { tags: undefined, metadata: undefined }])(
    'rejects an empty patch: %j',
    async (patch) => {
      const { store, id } = await stored();
      expect(await codeOf(() => store.admin.update(id, patch as never))).toBe('INVALID_INPUT');
      expect((await store.admin.get(id))?.revision).toBe(1);
    },
  );

  test.each<[object, string[]]>([
    [{ text: '' }, ['patch.text']],
    [{ text: null }, ['patch.text']],
    [{ priority: 1.01, kind: 'other', tags: [''] }, ['patch.kind', 'patch.priority', 'patch.tags.0']],
    [{ metadata: { a: () => 1 } }, ['patch.metadata.a']],
    [{ validFrom: 'yesterday', expiresAt: '2026-01-01' }, ['patch.expiresAt', 'patch.validFrom']],
    [{ validTo: new Date(0) }, ['patch.validTo']],
  ])('refuses %j whole', async (patch, paths) => {
    const { store, id, memory } = await stored();
    expect(await issuePaths(() => store.admin.update(id, patch as never))).toEqual(paths);
    expect(await store.admin.get(id)).toEqual(memory);
  });

  test('rejects an unknown id with NOT_FOUND', async () => {
    const { store, id } = await stored();
    await store.admin.forget(id);
    expect(await codeOf(() => store.admin.update(id, { priority: 1 }))).toBe('NOT_FOUND');
    expect(await codeOf(() => store.admin.update('never was', { priority: 1 }))).toBe('NOT_FOUND');
  });

  test('keeps the vector and the keyword index consistent with the text if many callers update the memory at once', async () => {
    const { store, id } = await stored();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.admin.update(id, { text: `version ${i} of the text` })),
    );
    // Each call returns the revision that it made.
    expect(answers.map(({ revision }) => revision).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 2),
    );
    for (const [i, { text }] of answers.entries()) expect(text).toBe(`version ${i} of the text`);
    const memory = (await store.admin.get(id)) as Memory;
    const [hit] = await store.admin.recall(memory.text, { mode: 'semantic', explain: true });
    expect(hit?.parts?.semantic).toBeCloseTo(0.94, 5);
    expect((await store.verify()).problems).toEqual([]);
  });
});

describe('ifRevision', () => {
  test('makes a change reject with REVISION_CONFLICT and write nothing if the memory has another revision', async () => {
    const { store, id } = await stored();
    await store.admin.update(id, { priority: 0.1 }, { ifRevision: 1 });
    expect(await codeOf(() => store.admin.update(id, { priority: 0.2 }, { ifRevision: 1 }))).toBe('REVISION_CONFLICT');
    expect(await codeOf(() => store.admin.update(id, { priority: 0.2 }, { ifRevision: 3 }))).toBe('REVISION_CONFLICT');
    expect(await codeOf(() => store.admin.forget(id, { ifRevision: 1 }))).toBe('REVISION_CONFLICT');
    expect(await store.admin.get(id)).toMatchObject({ revision: 2, priority: 0.1 });
    expect(await store.admin.forget(id, { ifRevision: 2 })).toBe(true);
  });

  test('lets one of many concurrent changes succeed', async () => {
    const { store, id } = await stored();
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => store.admin.update(id, { text: `by ${i}` }, { ifRevision: 1 })),
    );
    const done = answers.filter((answer) => answer.status === 'fulfilled');
    expect(done).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason.code).toBe('REVISION_CONFLICT');
    }
    expect(await store.admin.get(id)).toEqual(done[0]?.value);
  });

  test.each([[0], [-1], [1.5], ['1'], [null], [Number.NaN]])(
    'rejects %j, which is not a revision number',
    async (ifRevision) => {
      const { store, id } = await stored();
      expect(await codeOf(() => store.admin.update(id, { priority: 1 }, { ifRevision } as never))).toBe(
        'INVALID_INPUT',
      );
      expect(await codeOf(() => store.admin.forget(id, { ifRevision } as never))).toBe('INVALID_INPUT');
    },
  );
});
