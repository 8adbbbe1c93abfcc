import fc from 'fast-check';
import { allow, type DuplicateGroup, deny, type Memory, type MemoryHandle, type Progress } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { codeOf, issuePaths, openInMemory } from '../store/stores';

const namespace = ['team'];
const scope = { namespace };
const ann = { agentId: 'ann' };

async function pagesOf(handle: MemoryHandle, limit: number): Promise<DuplicateGroup[]> {
  const groups: DuplicateGroup[] = [];
  for (let cursor: string | undefined, left = 100; left > 0; left--) {
    const page = await handle.duplicates({ limit, ...(cursor === undefined ? {} : { cursor }) });
    groups.push(...page.groups);
    cursor = page.nextCursor;
    if (cursor === undefined) return groups;
  }
  throw new Error('The pages do not end.');
}

const textsOf = (groups: readonly DuplicateGroup[]) => groups.map(({ memories }) => memories.map(({ text }) => text));

describe('duplicates', () => {
  test('lists groups of memories that say the same, oldest first', async () => {
    const handle = (await openInMemory()).as(ann, scope);
    await handle.rememberMany([
      { text: 'The user prefers dark mode.' },
      { text: 'The well in Oslo is 40 metres deep.' },
      { text: 'Wo ist der Schlüssel?' },
      { text: 'The user likes dark mode' },
      { text: 'The user prefers light mode.' },
      { text: 'Oslo: the well is 40 metres deep.' },
      { text: 'The well in Oslo is 41 metres deep.' },
      { text: 'Wo ist der  Schlüssel?' },
      { text: 'Dark mode is what the user prefers.' },
    ]);
    const { groups, nextCursor } = await handle.duplicates();
    expect(nextCursor).toBeUndefined();
    expect(groups.map(({ kind }) => kind)).toEqual(['near', 'near', 'exact']);
    expect(textsOf(groups)).toEqual([
      ['The user prefers dark mode.', 'The user likes dark mode', 'Dark mode is what the user prefers.'],
      ['The well in Oslo is 40 metres deep.', 'Oslo: the well is 40 metres deep.'],
      ['Wo ist der Schlüssel?', 'Wo ist der  Schlüssel?'],
    ]);
  });

  test('finds equal texts without vectors, but nothing that is only near', async () => {
    const handle = (await openInMemory()).as(ann, scope);
    for (const text of ['ok', 'Ok.', 'Tea is good', 'Good is tea']) await handle.remember(text, { embed: false });
    expect(textsOf((await handle.duplicates()).groups)).toEqual([['ok', 'Ok.']]);
  });

  test('compares only active memories with the same labels and user', async () => {
    const store = await openInMemory();
    const handle = store.as(ann);
    const text = 'The user prefers dark mode.';
    await handle.remember(text, { namespace });
    await handle.remember(text, { namespace: ['team', 'north'] });
    await handle.remember(text, { namespace, visibility: 'private' });
    await handle.remember(text, { namespace, userId: 'uma' });
    await handle.remember(text, { namespace, expiresAt: '2001-01-01T00:00:00Z' });
    const { id } = await handle.remember(text, { namespace, userId: 'una' });
    await handle.remember(text, { namespace, userId: 'una', supersedes: id });
    expect((await handle.duplicates()).groups).toEqual([]);
    await handle.remember(text, { namespace, userId: 'uma', tags: ['x'] });
    expect((await handle.duplicates({ userId: 'uma' })).groups).toHaveLength(1);
    expect((await handle.duplicates({ filter: { tags: { contains: 'x' } } })).groups).toEqual([]);
  });

  test('has at most 100 memories in a group, and says if there are more', async () => {
    const handle = (await openInMemory()).as(ann, scope);
    await handle.rememberMany(Array.from({ length: 130 }, () => ({ text: 'Tea is good.' })));
    const groups = await pagesOf(handle, 1);
    expect(groups.map(({ memories, more }) => [memories.length, more])).toEqual([[100, true]]);
  });

  test('can be cancelled, and reports progress', async () => {
    const handle = (await openInMemory()).as(ann, scope);
    await handle.rememberMany(Array.from({ length: 40 }, (_, i) => ({ text: `Fact ${i}` })));
    const seen: Progress[] = [];
    const abort = new AbortController();
    const call = handle.duplicates({
      signal: abort.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.done >= 32) abort.abort(new Error('stop'));
      },
    });
    await expect(call).rejects.toThrow('stop');
    expect(seen.map(({ phase, done, total }) => [phase, done, total])).toEqual([
      ['duplicates', 16, 40],
      ['duplicates', 32, 40],
    ]);
  });

  test('refuses invalid options and cursors of others', async () => {
    const store = await openInMemory();
    const handle = store.as(ann, scope);
    await handle.rememberMany(['a b', 'a b', 'c d', 'c d'].map((text) => ({ text })));
    expect(await issuePaths(() => handle.duplicates({ limit: 0, topK: 2 } as never))).toEqual(['limit', 'topK']);
    const { nextCursor: cursor = '' } = await handle.duplicates({ limit: 1 });
    expect(await codeOf(() => store.as({ agentId: 'bea' }, scope).duplicates({ cursor }))).toBe('INVALID_CURSOR');
    expect(await codeOf(() => handle.conflicts({ cursor }))).toBe('INVALID_CURSOR');
    expect(await codeOf(() => handle.duplicates({ cursor, userId: 'uma' }))).toBe('INVALID_CURSOR');
  });

  const sentence = fc
    .array(fc.constantFrom(...'Ann Bob 10 20 not tea likes prefers dark mode'.split(' ')), {
      minLength: 1,
      maxLength: 4,
    })
    .map((words) => words.join(' '));

  test('has each memory in one group, whatever the size of the pages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sentence, { minLength: 2, maxLength: 12 }), async (texts) => {
        const handle = (await openInMemory()).as(ann, scope);
        await handle.rememberMany(texts.map((text) => ({ text })));
        const whole = await pagesOf(handle, 1_000);
        expect(await pagesOf(handle, 1)).toEqual(whole);
        const ids = whole.flatMap(({ memories }) => memories.map(({ id }) => id));
        expect(new Set(ids).size).toBe(ids.length);
        for (const { memories } of whole) expect(memories.length).toBeGreaterThan(1);
        // Equal texts are always in one group.
        const groupOf = (memory: Memory) =>
          whole.findIndex((group) => group.memories.some(({ id }) => id === memory.id));
        const all = (await handle.list({ limit: 100 })).items;
        for (const a of all)
          for (const b of all)
            if (a.id !== b.id && a.text === b.text)
              expect([groupOf(a), groupOf(a)]).toEqual([groupOf(b), expect.any(Number)]);
      }),
      { numRuns: 15 },
    );
  });
});

describe('conflicts', () => {
  test('lists pairs about one subject, latest first, with the words that differ', async () => {
    const handle = (await openInMemory()).as(ann, scope);
    await handle.rememberMany(
      [
        'The office is in Berlin.',
        'The build uses yarn for packages.',
        'The well in Oslo is 40 metres deep.',
        'The server is open to the public network.',
        'Deploys happen on Tuesday.',
        'The office is in Munich.',
        'The build uses pnpm for packages.',
        'The well in Oslo is 41 metres deep.',
        'The server is not open to the public network.',
        'Deploys happen on Friday.',
      ].map((text) => ({ text })),
    );
    const { conflicts } = await handle.conflicts();
    expect(conflicts.map(({ kind, differs }) => [kind, differs.newer, differs.older])).toEqual([
      ['value', ['Friday'], ['Tuesday']],
      ['negation', ['not'], []],
      ['number', ['41'], ['40']],
      ['value', ['pnpm'], ['yarn']],
      ['name', ['Munich'], ['Berlin']],
    ]);
    expect(conflicts[4]?.older.text).toBe('The office is in Berlin.');
  });

  test.each([
    ['another subject', 'The well in Oslo is 40 metres deep.', 'The well in Bergen is 40 metres deep.', {}],
    ['another ticket', 'Ticket 12 is closed.', 'Ticket 13 is closed.', {}],
    ['another person', 'Ann likes strong tea.', 'Bob likes strong tea.', {}],
    ['the same', 'The user prefers dark mode.', 'The user likes dark mode.', {}],
    ['an earlier time', 'The office was in Berlin.', 'The office is in Munich.', {}],
    [
      'a time that has ended',
      'The office is in Berlin.',
      'The office is in Munich.',
      { validTo: '2001-01-01T00:00:00Z' },
    ],
  ])('leaves out what is about %s', async (_, older, newer, rest) => {
    const handle = (await openInMemory()).as(ann, scope);
    await handle.remember(older, { validFrom: '2000-01-01T00:00:00Z', ...rest });
    await handle.remember(newer, { validFrom: '2020-01-01T00:00:00Z' });
    expect((await handle.conflicts()).conflicts).toEqual([]);
  });

  test('ends for a pair that was settled with `supersedes`', async () => {
    const handle = (await openInMemory()).as(ann, scope);
    const { id } = await handle.remember('The office is in Berlin.');
    const newer = await handle.remember('The office is in Munich.');
    expect((await handle.conflicts()).conflicts).toHaveLength(1);
    await handle.forget(newer.id);
    await handle.remember('The office is in Munich.', { supersedes: id });
    expect((await handle.conflicts()).conflicts).toEqual([]);
  });
});

describe('what is hidden', () => {
  test('changes neither groups nor conflicts nor pages', async () => {
    const store = await openInMemory({ access: [allow(ann, 'writer', []), deny(ann, ['read'], ['closed'])] });
    const handle = store.as(ann);
    const texts = ['The plan is basic.', 'Tea is good.', 'The plan is premium.', 'Tea is good.'];
    const say = (open: string[]) => store.admin.rememberMany(texts.map((text) => ({ text, namespace: open })));
    await say(['closed']);
    await store.admin.rememberMany(texts.map((text) => ({ text, namespace, accessTags: ['secret'] })));
    await store.admin.rememberMany(texts.map((text) => ({ text, namespace, visibility: 'private' as const })));
    expect(await handle.duplicates({ limit: 1 })).toEqual({ groups: [] });
    expect(await handle.conflicts({ limit: 1 })).toEqual({ conflicts: [] });
    await say(namespace);
    expect(textsOf((await handle.duplicates()).groups)).toEqual([['Tea is good.', 'Tea is good.']]);
    expect((await handle.conflicts()).conflicts).toHaveLength(1);
  });

  test('is recorded in the audit as a read of the memories that were returned', async () => {
    const store = await openInMemory();
    const handle = store.as(ann, scope);
    const ids: string[] = [];
    for (const text of ['The plan is basic.', 'The plan is basic.', 'Other.'])
      ids.push((await handle.remember(text)).id);
    await handle.duplicates();
    await handle.conflicts();
    const entries = await store.admin.audit.query({ action: ['duplicates', 'conflicts'], order: 'oldest' });
    expect(entries.items.map((entry) => [entry.action, entry.memories.map(({ id }) => id)])).toEqual([
      ['duplicates', ids.slice(0, 2)],
      ['conflicts', []],
    ]);
  });
});
