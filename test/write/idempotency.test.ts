import { fakeClock, faultyEmbedder } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { codeOf, openFolder, openInMemory, temporaryFolder } from '../store/stores';

const namespace = ['support'];
const idempotencyKey = 'request-1';

describe('an idempotency key', () => {
  test('makes a repeated call return the result of the first call, even if the memory has changed since', async () => {
    const store = await openInMemory();
    const write = () => store.admin.remember('text', { namespace, idempotencyKey });
    const { id } = await write();
    expect(await write()).toEqual({ id, revision: 1, outcome: 'duplicate' });
    await store.admin.update(id, { text: 'corrected' });
    expect(await write()).toEqual({ id, revision: 1, outcome: 'duplicate' });
    expect(await store.admin.get(id)).toMatchObject({ revision: 2, text: 'corrected' });
    expect(await store.admin.count()).toBe(1);
  });

  test('never restores a forgotten memory', async () => {
    const store = await openInMemory();
    const write = () => store.admin.remember('text', { namespace, idempotencyKey, key: 'k' });
    const { id } = await write();
    await store.admin.forget(id);
    expect(await write()).toEqual({ id, revision: 1, outcome: 'duplicate' });
    expect(await store.admin.get(id)).toBeUndefined();
    expect(await store.admin.get({ namespace, key: 'k' })).toBeUndefined();
    expect(await store.admin.count({ include: ['expired', 'superseded', 'quarantined'] })).toBe(0);
    expect(await store.admin.recall('text')).toEqual([]);
  });

  const vector = new Float32Array(256).fill(1);
  test.each([
    ['text', { text: 'other' }],
    ['namespace', { namespace: ['support', 'eu'] }],
    ['kind', { kind: 'semantic' }],
    ['tags', { tags: ['t'] }],
    ['priority', { priority: 0.7 }],
    ['metadata', { metadata: { a: 1 } }],
    ['metadata that differs deep inside', { metadata: { a: { b: [1, { c: null }] } } }],
    ['validFrom', { validFrom: new Date(5) }],
    ['validTo', { validTo: '2030-01-01T00:00:00Z' }],
    ['expiresAt', { expiresAt: '2030-01-01T00:00:00Z' }],
    ['visibility', { visibility: 'private' }],
    ['accessTags', { accessTags: ['x'] }],
    ['userId', { userId: 'u' }],
    ['sessionId', { sessionId: 's' }],
    ['source', { source: { channel: 'tool' } }],
    ['key', { key: 'k' }],
    ['vector', { vector }],
    ['embed', { embed: false }],
  ])(
    'makes a call with different %s reject with IDEMPOTENCY_CONFLICT, and this call writes nothing',
    async (_, changed) => {
      const store = await openInMemory();
      await store.admin.remember('text', { namespace, idempotencyKey, metadata: { a: { b: [1, { c: 2 }] } } });
      const { text, ...options } = {
        text: 'text',
        namespace,
        idempotencyKey,
        metadata: { a: { b: [1, { c: 2 }] } },
        ...(changed as object),
      };
      expect(await codeOf(() => store.admin.remember(text, options as never))).toBe('IDEMPOTENCY_CONFLICT');
      expect(await store.admin.count()).toBe(1);
      expect(await store.admin.get({ namespace, key: 'k' })).toBeUndefined();
    },
  );

  test('identifies equal calls by their content, whatever the order of fields and the notation of a time', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock });
    const at = new Date('2026-01-01T12:00:00Z');
    await store.admin.remember('text', {
      namespace,
      metadata: { a: 1, b: { c: 2, d: 3 } },
      validFrom: at,
      userId: 'u',
      idempotencyKey,
    });
    clock.advance(5_000);
    const repeated = await store.admin.remember('text', {
      idempotencyKey,
      userId: 'u',
      validFrom: '2026-01-01T13:00:00+01:00',
      metadata: { b: { d: 3, c: 2 }, a: 1 },
      namespace,
      signal: new AbortController().signal,
    });
    expect(repeated.outcome).toBe('duplicate');
  });

  test('treats a field as equal whether it comes from the scope of the handle or from the call', async () => {
    const store = await openInMemory();
    const agent = store.as({ agentId: 'billing' });
    await agent.remember('text', { namespace, userId: 'u', tags: ['t'], idempotencyKey });
    const scoped = agent.within({ namespace, userId: 'u', tags: ['t'] });
    expect((await scoped.remember('text', { idempotencyKey })).outcome).toBe('duplicate');
  });

  test('belongs to one author: an agent, the same agent on behalf of a user, and another agent have separate keys', async () => {
    const store = await openInMemory();
    const authors = [
      store.as({ agentId: 'billing' }),
      store.as({ agentId: 'billing', onBehalfOf: { userId: 'u1' } }),
      store.as({ agentId: 'billing', onBehalfOf: { userId: 'u2' } }),
      store.as({ agentId: 'returns' }),
      store.as({ userId: 'billing' }),
      store.admin,
    ];
    for (const [i, author] of authors.entries()) {
      // Other content under the same key: a conflict would reveal to one author what another writes.
      expect((await author.remember(`text ${i}`, { namespace, idempotencyKey })).outcome).toBe('stored');
    }
    for (const [i, author] of authors.entries()) {
      expect((await author.remember(`text ${i}`, { namespace, idempotencyKey })).outcome).toBe('duplicate');
    }
    expect(await store.admin.count()).toBe(authors.length);
  });

  test('stores one memory if many callers use the key at the same time', async () => {
    const store = await openInMemory();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => store.admin.remember('text', { namespace, idempotencyKey })),
    );
    expect(answers.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1);
    expect(answers.filter(({ outcome }) => outcome === 'duplicate')).toHaveLength(49);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(await store.admin.count()).toBe(1);
  });

  test('stores one memory and rejects the other calls if callers use the key at the same time with different content', async () => {
    const store = await openInMemory();
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => store.admin.remember(`text ${i}`, { namespace, idempotencyKey })),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason.code).toBe('IDEMPOTENCY_CONFLICT');
    }
    expect(await store.admin.count()).toBe(1);
  });

  test('returns the revision from the first call if that call revised a memory by its `key`', async () => {
    const store = await openInMemory();
    await store.admin.remember('one', { namespace, key: 'k' });
    const write = () => store.admin.remember('two', { namespace, key: 'k', idempotencyKey });
    const { id } = await write();
    await store.admin.remember('three', { namespace, key: 'k' });
    expect(await write()).toEqual({ id, revision: 2, outcome: 'duplicate' });
    expect((await store.admin.get(id))?.text).toBe('three');
  });

  test('returns the result of the first call with `supersedes`, even if the superseded memory has since changed or been forgotten', async () => {
    const store = await openInMemory();
    const { id: old } = await store.admin.remember('old', { namespace });
    const write = () => store.admin.remember('new', { namespace, supersedes: old, idempotencyKey });
    const { id } = await write();
    expect(await write()).toEqual({ id, revision: 1, outcome: 'duplicate' });
    await store.admin.forget(old);
    expect(await write()).toEqual({ id, revision: 1, outcome: 'duplicate' });
  });

  test('works within one batch and across two batches', async () => {
    const store = await openInMemory();
    const items = Array.from({ length: 6 }, (_, i) => ({
      text: `text ${i % 3}`,
      namespace,
      idempotencyKey: `r-${i % 3}`,
    }));
    expect(await store.admin.rememberMany(items)).toMatchObject({ stored: 3, duplicates: 3, failed: 0 });
    expect(await store.admin.rememberMany(items, { atomic: true })).toMatchObject({ stored: 0, duplicates: 6 });
    expect(await store.admin.count()).toBe(3);
  });

  test('can be used again after a rejected call', async () => {
    const embedder = faultyEmbedder();
    const store = await openInMemory({ embedder });
    embedder.fault = new Error('away');
    expect(await codeOf(() => store.admin.remember('text', { namespace, idempotencyKey }))).toBe('EMBEDDING_FAILED');
    embedder.fault = undefined;
    expect((await store.admin.remember('other text', { namespace, idempotencyKey })).outcome).toBe('stored');
  });

  test('lets a call be repeated without an embedder', async () => {
    const embedder = faultyEmbedder();
    const store = await openInMemory({ embedder });
    await store.admin.remember('text', { namespace, idempotencyKey });
    embedder.fault = new Error('away');
    expect((await store.admin.remember('text', { namespace, idempotencyKey })).outcome).toBe('duplicate');
  });

  test('still works after a restart', async () => {
    const folder = await temporaryFolder();
    const first = await openFolder(folder);
    const { id } = await first.admin.remember('text', { namespace, idempotencyKey });
    await first.close();
    const second = await openFolder(folder);
    expect(await second.admin.remember('text', { namespace, idempotencyKey })).toMatchObject({
      id,
      outcome: 'duplicate',
    });
    expect(await codeOf(() => second.admin.remember('other', { namespace, idempotencyKey }))).toBe(
      'IDEMPOTENCY_CONFLICT',
    );
  });

  test('makes a repeated call reject with FORBIDDEN if the author may no longer write', async () => {
    const store = await openInMemory({ access: [] });
    const agent = store.as({ agentId: 'billing' }, { namespace });
    expect(await codeOf(() => agent.remember('text', { idempotencyKey }))).toBe('FORBIDDEN');
  });
});
