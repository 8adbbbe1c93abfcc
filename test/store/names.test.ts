import fc from 'fast-check';
import { allow, clear, deny, group, type NewMemory, role } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { all, codeOf, issuePaths, openInMemory, refusal } from './stores';

const [nfc, nfd] = ['caf\u00e9', 'cafe\u0301'];
const off = { embed: false } as const;
const directions: [written: string, read: string][] = [
  [nfc, nfd],
  [nfd, nfc],
];

describe.each(directions)('a name written as %j', (written, read) => {
  test('is found as the other form in every field, and is returned in normal form', async () => {
    const store = await openInMemory({ access: [allow('everyone', 'curator', []), clear('everyone', written, [])] });
    const names = { namespace: [written], userId: written, sessionId: written, tags: [written] };
    const writer = store.as({ agentId: written, onBehalfOf: { userId: written } }, names);
    const { id } = await writer.remember('text', { key: written, accessTags: [written, read], ...off });
    const reader = store.as({ agentId: read, onBehalfOf: { userId: read } });
    const stored = { id, agentId: nfc, onBehalfOf: nfc, key: nfc, namespace: [nfc], tags: [nfc], accessTags: [nfc] };
    expect(await reader.get({ namespace: [read], key: read })).toMatchObject({
      ...stored,
      userId: nfc,
      sessionId: nfc,
    });
    const selection = { namespace: [read], userId: read, agentId: read, sessionId: read, tags: [read] };
    expect((await all(reader.within(selection).list())).map((memory) => memory.id)).toEqual([id]);
    expect(await reader.count(selection)).toBe(1);
    for (const field of ['key', 'agentId', 'onBehalfOf', 'userId', 'sessionId', 'tags', 'accessTags'] as const) {
      expect(await reader.count({ filter: { [field]: read } })).toBe(1);
      expect(await reader.count({ filter: { [field]: { in: ['x', read] } } })).toBe(1);
      expect(await reader.count({ filter: { [field]: { contains: read.slice(2) } } })).toBe(
        field.endsWith('ags') ? 0 : 1,
      );
    }
    expect(await reader.namespaces({ within: [read] })).toMatchObject([{ namespace: [nfc], count: 1 }]);
    const again = { namespace: [read], key: read, accessTags: [read], ...off };
    expect(await reader.remember('text', again)).toMatchObject({ id, revision: 2, outcome: 'revised' });
    expect((await store.audit.query({ by: { agentId: read }, within: [read], limit: 99 })).items).not.toEqual([]);
    expect((await store.verify()).problems).toEqual([]);
  });

  test('is one idempotency key in both forms', async () => {
    const { admin } = await openInMemory();
    await admin.remember('x', { namespace: ['n'], tags: [written], idempotencyKey: written, ...off });
    const repeated = { namespace: ['n'], tags: [read], idempotencyKey: read, ...off };
    expect((await admin.remember('x', repeated)).outcome).toBe('duplicate');
    expect(await codeOf(() => admin.remember('y', repeated))).toBe('IDEMPOTENCY_CONFLICT');
  });

  test('applies to the other form in rules, clearances, roles and groups', async () => {
    const access = [
      role(written, ['read']),
      group(written, [{ agentId: written }]),
      allow({ group: read }, read, [written]),
      clear({ group: read }, written, [read]),
    ];
    const { admin, as } = bound(await openInMemory({ access }));
    await admin.remember('x', { namespace: [read], accessTags: [read], ...off });
    expect(await as({ agentId: read }).count()).toBe(1);
    expect(await as({ agentId: written }).count({ namespace: [written] })).toBe(1);
    await admin.access.role('other', ['read']);
    await admin.access.allow({ userId: written }, 'other', [written]);
    await admin.access.clear({ userId: written }, written, []);
    expect(await as({ userId: read }).count()).toBe(1);
    const explained = await admin.access.explain({ principal: { userId: read }, action: 'read', namespace: [read] });
    expect(explained.allowed).toBe(true);
  });

  test('is denied by a deny rule in the other form', async () => {
    const access = [allow('everyone', 'curator', []), deny({ agentId: written }, 'curator', [written])];
    const { admin, as } = bound(await openInMemory({ access }));
    const { id } = await admin.remember('x', { namespace: [read], key: 'k', ...off });
    for (const form of [written, read]) {
      const denied = as({ agentId: form });
      expect(await denied.count({ namespace: [form] })).toBe(0);
      expect(await denied.get(id)).toBeUndefined();
      expect(await codeOf(() => denied.remember('y', { namespace: [form], ...off }))).toBe('FORBIDDEN');
      await admin.remember('z', { namespace: ['open'], key: 'k', ...off });
      const open = (await all(denied.list()))[0]?.id ?? '';
      expect(await codeOf(() => denied.share(open, { namespace: [form] }))).toBe('FORBIDDEN');
    }
  });

  test('is one private memory of one principal', async () => {
    const store = await openInMemory();
    const options = { namespace: ['n'], key: 'k', visibility: 'private', ...off } as const;
    await store.as({ userId: written }).remember('mine', options);
    expect((await store.as({ userId: read }).remember('mine too', options)).outcome).toBe('revised');
    expect(await store.as({ userId: 'cafe' }).count()).toBe(0);
  });
});

function bound(store: Awaited<ReturnType<typeof openInMemory>>) {
  return { admin: store.admin, as: store.as.bind(store) };
}

test('texts, metadata and references of sources keep their form', async () => {
  const { admin } = await openInMemory();
  const metadata = { [nfd]: nfd };
  const source = { channel: 'tool' as const, ref: `/notes/${nfd}\u200e` };
  const { id } = await admin.remember(nfd, { namespace: ['n'], metadata, source });
  expect(await admin.get(id)).toMatchObject({ text: nfd, metadata, source });
  expect(await admin.count({ filter: { metadata: { [nfd]: nfd } } })).toBe(1);
  expect(await admin.count({ filter: { metadata: { [nfc]: nfd } } })).toBe(0);
});

test('a role that is declared in both forms is declared twice', async () => {
  const access = [role(nfc, ['read']), role(nfd, ['write'])];
  expect((await refusal(() => openInMemory({ access }))).message).toContain('declared twice');
});

test('the length of a name is the length of its normal form', async () => {
  const { admin } = await openInMemory({ limits: { nameBytes: 4 } });
  expect((await admin.remember('x', { namespace: ['e\u0301e\u0301'], ...off })).outcome).toBe('stored');
  // This character has no composed form of its own in NFC: 3 bytes become 6.
  expect(await issuePaths(() => admin.remember('x', { namespace: ['\u0958'], ...off }))).toEqual(['namespace.0']);
});

test('any text is refused as a name, or found again in each of its Unicode forms', async () => {
  const store = await openInMemory();
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }).filter((each) => each.isWellFormed());
  await fc.assert(
    fc.asyncProperty(text, async (name) => {
      try {
        await store.admin.remember('x', { namespace: [name], key: name, ...off });
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_INPUT' });
        return;
      }
      for (const form of [name, name.normalize('NFC'), name.normalize('NFD')])
        expect(await store.admin.get({ namespace: [form], key: form })).toMatchObject({ key: name.normalize('NFC') });
    }),
    { numRuns: 100 },
  );
});

describe('a name with hidden characters', () => {
  const hidden: [description: string, char: string, codePoint: string][] = [
    ['NUL', '\0', 'U+0000'],
    ['a tab', '\t', 'U+0009'],
    ['a line feed', '\n', 'U+000A'],
    ['ESC', '\u001b', 'U+001B'],
    ['DEL', '\u007f', 'U+007F'],
    ['a C1 control', '\u0085', 'U+0085'],
    ['a bidirectional override', '\u202e', 'U+202E'],
    ['a bidirectional embedding', '\u202a', 'U+202A'],
    ['a bidirectional isolate', '\u2066', 'U+2066'],
    ['a direction mark', '\u200f', 'U+200F'],
    ['a line separator', '\u2028', 'U+2028'],
    ['a tag character', '\u{e0041}', 'U+E0041'],
  ];

  test.each(hidden)('(%s) is refused, and the error names the code point', async (_, char, codePoint) => {
    const store = await openInMemory();
    const name = `a${char}b`;
    const memory = { namespace: [name], key: name, tags: ['fine', name], accessTags: [name], userId: name };
    const error = await refusal(() => store.admin.remember('x', { ...memory, sessionId: name, idempotencyKey: name }));
    expect(error.code).toBe('INVALID_INPUT');
    expect(error.issues.map(({ path }) => path.join('.')).sort()).toEqual(
      ['accessTags.0', 'idempotencyKey', 'key', 'namespace.0', 'sessionId', 'tags.1', 'userId'].sort(),
    );
    for (const { message } of error.issues) expect(message).toContain(`got ${codePoint}.`);
    expect(error.message).not.toContain(char);
    const principal = { agentId: name, onBehalfOf: { userId: name } };
    expect(await issuePaths(() => store.as(principal, { namespace: [name] }))).toEqual([
      'principal.agentId',
      'principal.onBehalfOf.userId',
      'scope.namespace.0',
    ]);
    expect(await issuePaths(() => store.admin.get({ namespace: [name], key: name }))).toEqual([
      'id.key',
      'id.namespace.0',
    ]);
    expect(await codeOf(() => store.admin.list({ namespace: [name] }))).toBe('INVALID_INPUT');
    expect(await codeOf(() => store.admin.access.allow({ agentId: name }, 'reader', [name]))).toBe('INVALID_INPUT');
    expect(await codeOf(() => openInMemory({ access: [allow({ agentId: name }, 'reader', [])] }))).toBe(
      'INVALID_INPUT',
    );
  });

  test('is listed with its other problems, and with at most five code points', async () => {
    const { admin } = await openInMemory({ limits: { nameBytes: 10 } });
    const key = Array.from({ length: 12 }, (_, i) => String.fromCharCode(i)).join('');
    const { issues } = await refusal(() => admin.remember('x', { namespace: ['n'], key } as Omit<NewMemory, 'text'>));
    expect(issues.map(({ message }) => message)).toEqual([
      'expected at most 10 bytes, got 12.',
      expect.stringContaining('got U+0000, U+0001, U+0002, U+0003, U+0004 and 7 others.'),
    ]);
  });

  test('is refused as an id from newId', async () => {
    for (const id of ['a\nb', nfd]) {
      const { admin } = await openInMemory({ newId: () => id });
      expect(await codeOf(() => admin.remember('x', { namespace: ['n'], ...off }))).toBe('INVALID_INPUT');
    }
  });

  test('does not include joiners, emoji and every script', async () => {
    const { admin } = await openInMemory();
    const key = 'नमस्‍ते ئەم‌شەو 👩‍💻 مرحبا עולם 日本語';
    await admin.remember('x', { namespace: ['n'], key, ...off });
    expect(await admin.get({ namespace: ['n'], key })).toMatchObject({ key });
  });
});
