import { allow, type ExportLine, group, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { afterEach, describe, expect, it } from 'vitest';

const stores: MemoryStore[] = [];
const namespace = ['support'];
const subject = { userId: 'ann' };

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function openStore(reads: 'durable' | 'off' = 'durable') {
  const store = await MemoryStore.inMemory({
    access: [
      allow('everyone', 'writer', namespace),
      allow({ agentId: 'desk' }, ['read', 'audit'], namespace),
      allow({ userId: 'ann' }, 'reader', ['ann']),
      group('customers', [{ userId: 'ann' }, { userId: 'bob' }]),
    ],
    audit: { reads },
  });
  stores.push(store);
  const clerk = store.as({ agentId: 'clerk', onBehalfOf: { userId: 'bob' } }, { namespace });
  const desk = store.as({ agentId: 'desk' });
  return { store, clerk, desk };
}

async function linesOf(handle: MemoryHandle, options?: Parameters<MemoryHandle['exportSubject']>[1]) {
  const lines: ExportLine[] = [];
  for await (const line of handle.exportSubject(subject, options)) lines.push(line);
  const of = <L extends ExportLine['line']>(kind: L) =>
    lines.filter((each): each is Extract<ExportLine, { line: L }> => each.line === kind);
  return { lines, of, memories: of('memory'), ids: of('memory').map(({ memory }) => memory.id) };
}

describe('exportSubject', () => {
  it('exports what is about and by a user, with revisions, links, recipients, rules and namespaces', async () => {
    const { store, clerk } = await openStore();
    const first = await clerk.remember('Ann likes tea.', { ...subject, key: 'tea' });
    await clerk.update(first.id, { text: 'Ann likes coffee.' });
    const made = await clerk.remember('She is no tea person.', { derivedFrom: [first.id] });
    const own = await store.as(subject).remember('I moved.', { namespace, userId: 'bob', visibility: 'private' });
    const former = await clerk.remember('Ann was here.', { ...subject, key: 'last' });
    await clerk.remember('Bob was here.', { userId: 'bob', key: 'last' });
    const gone = await clerk.remember('Ann left.', subject);
    await clerk.forget(gone.id);
    await store.admin.remember('A place for her.', { namespace: ['ann', 'notes'] });
    await store.as({ agentId: 'reader' }).get(first.id);
    await store.as({ agentId: 'reader' }).recall('coffee', { topK: 1 });

    const { lines, of, memories, ids } = await linesOf(store.admin);
    expect(ids).toEqual([first.id, former.id, own.id]);
    expect(memories.map(({ relation }) => relation)).toEqual(['about', 'about', 'by']);
    expect(memories[0]).toMatchObject({
      memory: { text: 'Ann likes coffee.', userId: 'ann', onBehalfOf: 'person-1', origin: { onBehalfOf: 'person-1' } },
      sources: [],
      derived: [made.id],
      receivedBy: [{ by: { agentId: 'reader' }, reads: 2, first: expect.any(Date), last: expect.any(Date) }],
    });
    expect(memories[2]?.memory).toMatchObject({ visibility: 'private', userId: 'person-1' });
    const revisions = of('revision').filter(({ id }) => id === first.id);
    expect(revisions).toMatchObject([
      { revision: 1, memory: { text: 'Ann likes tea.' }, by: { agentId: 'clerk', onBehalfOf: { userId: 'person-1' } } },
      { revision: 2 },
    ]);
    expect(revisions[1]).not.toHaveProperty('memory');
    expect(of('rule').map(({ rule }) => rule)).toMatchObject([
      { to: subject, at: ['ann'] },
      { group: 'customers', members: [subject, { userId: 'person-1' }] },
    ]);
    expect(of('namespace')).toEqual([{ line: 'namespace', namespace: ['ann', 'notes'], memories: 1 }]);
    expect(lines[0]).toMatchObject({ line: 'manifest', format: 1, subject, others: 'pseudonyms', reads: 'recorded' });
    const counts = { memories: 3, revisions: 5, rules: 2, namespaces: 1 };
    expect(lines.at(-1)).toEqual({ line: 'end', counts });
    expect(JSON.stringify(lines)).not.toContain('"bob"');
    expect(JSON.stringify((await linesOf(store.admin, { others: 'named' })).lines)).toContain('"bob"');
  });

  it('has only what the handle may read and audit, and is in the audit itself', async () => {
    const { store, clerk, desk } = await openStore();
    const { id } = await clerk.remember('Ann likes tea.', subject);
    const other = await store.admin.remember('Ann is ill.', { namespace: ['doctor'], ...subject });
    const secret = await store.admin.remember('Ann owes us.', { namespace, accessTags: ['debt'], ...subject });
    await clerk.remember('A note.', { derivedFrom: [id], visibility: 'private' });
    await store.as({ agentId: 'reader' }).get(id);

    const byDesk = await linesOf(desk);
    expect([byDesk.ids, byDesk.of('rule'), byDesk.of('namespace')]).toEqual([[id], [], []]);
    expect(byDesk.memories[0]).toMatchObject({ derived: [], receivedBy: [{ by: { agentId: 'reader' }, reads: 1 }] });
    const byReader = await linesOf(store.as({ agentId: 'reader' }));
    expect([byReader.ids, byReader.memories[0]?.receivedBy]).toEqual([[id], 'unknown']);
    expect((await linesOf(store.as({ agentId: 'reader' }, { userId: 'bob' }))).ids).toEqual([]);

    const { items } = await store.audit.query({ action: 'exportSubject', by: { agentId: 'desk' } });
    expect(new Set(items.flatMap(({ memories }) => memories.map((each) => each.id)))).toEqual(new Set([id]));
    expect((await linesOf(store.admin)).ids).toEqual([id, other.id, secret.id]);
    expect((await linesOf(desk)).memories[0]?.receivedBy).toMatchObject([{}, { by: { agentId: 'desk' }, reads: 2 }]);
  });

  it('stops at a memory of which the right to read it ends during the export', async () => {
    const { store, clerk, desk } = await openStore();
    const first = await clerk.remember('Ann likes tea.', subject);
    await clerk.remember('Ann likes coffee.', subject);
    const iterator = desk.exportSubject(subject)[Symbol.asyncIterator]();
    await iterator.next();
    expect((await iterator.next()).value).toMatchObject({ line: 'memory', memory: { id: first.id } });
    await store.admin.access.deny({ agentId: 'desk' }, ['read'], namespace);
    expect((await iterator.next()).value).toEqual({
      line: 'end',
      counts: { memories: 1, revisions: 0, rules: 0, namespaces: 0 },
    });
  });

  it('says where recipients are not known, and refuses everything that is wrong at once', async () => {
    const { store, clerk } = await openStore('off');
    await clerk.remember('Ann likes tea.', subject);
    const { lines, memories } = await linesOf(store.admin);
    expect([lines[0], memories[0]]).toMatchObject([{ reads: 'unknown' }, { receivedBy: 'unknown' }]);
    const wrong = store.admin.exportSubject({ userId: '' }, { others: 'all' as never })[Symbol.asyncIterator]();
    await expect(wrong.next()).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['subject', 'userId'] }, { path: ['options', 'others'] }],
    });
  });
});
