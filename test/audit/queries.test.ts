import { type AuditEntry, allow, clear, deny, type MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { entries, inMemory, line } from './stores';

const access = [
  allow({ agentId: 'nurse' }, 'writer', ['ward']),
  allow({ userId: 'doctor' }, 'curator', ['ward']),
  allow({ agentId: 'scribe' }, 'writer', ['ward', 'west']),
  allow({ userId: 'pat' }, 'writer', ['ward', 'west']),
  allow({ userId: 'inspector' }, 'auditor', ['ward', 'west']),
  allow({ userId: 'chief' }, 'auditor', []),
];

async function ward(): Promise<{ store: MemoryStore; west: string; east: string }> {
  const store = await inMemory({ access });
  const nurse = store.as({ agentId: 'nurse' });
  const west = await nurse.remember('Sleeps badly.', { namespace: ['ward', 'west'], userId: 'pat' });
  const east = await nurse.remember('Eats well.', { namespace: ['ward', 'east'], userId: 'sam' });
  return { store, west: west.id, east: east.id };
}

describe('a query for a memory or a user', () => {
  test('by `id` returns every call that read the memory or tried to read it', async () => {
    const { store, west, east } = await ward();
    await store.as({ userId: 'doctor' }).get(west);
    await store.as({ userId: 'doctor' }).recall('sleeps');
    await store.as({ agentId: 'scribe', onBehalfOf: { userId: 'pat' } } as never).list();
    await store.as({ userId: 'stranger' }).get(west);
    await store.as({ userId: 'doctor' }).get(east);
    expect((await entries(store, { id: west })).map(line)).toEqual([
      `nurse, remember, ${west}`,
      `doctor, get, ${west}`,
      `doctor, recall, ${west}`,
      `scribe for pat, list, ${west}`,
      `stranger, get, NOT_FOUND, ${west}`,
    ]);
  });

  test('by `userId` returns calls on memories about the user, even after the memories were forgotten', async () => {
    const { store, west } = await ward();
    await store.as({ userId: 'doctor' }).get(west);
    await store.admin.forgetWhere({ userId: 'pat' }, { dryRun: false });
    expect((await entries(store, { userId: 'pat' })).map(line)).toEqual([
      `nurse, remember, ${west}`,
      `doctor, get, ${west}`,
      `root, forget, ${west}`,
    ]);
    expect(await entries(store, { userId: 'nobody' })).toEqual([]);
  });

  test('by `userId` also returns calls on a memory that an earlier revision said was about the user', async () => {
    const { store } = await ward();
    const nurse = store.as({ agentId: 'nurse' }, { namespace: ['ward'] });
    const { id } = await nurse.remember('Bed 4 is free.', { key: 'bed 4', userId: 'old' });
    await nurse.get(id);
    await nurse.remember('Bed 4 is taken.', { key: 'bed 4', userId: 'new' });
    const expected = [`nurse, remember, ${id}`, `nurse, get, ${id}`, `nurse, remember, ${id}`];
    expect((await entries(store, { userId: 'old' })).map(line)).toEqual(expected);
    expect((await entries(store, { userId: 'new' })).map(line)).toEqual(expected);
  });

  test('shows only the requested memories if an entry names more memories', async () => {
    const { store, west } = await ward();
    await store.as({ agentId: 'nurse' }).list();
    const [, listed] = await entries(store, { userId: 'pat' });
    expect(listed).toMatchObject({ action: 'list', memories: [{ id: west, namespace: ['ward', 'west'] }] });
  });
});

test('an entry contains the time, principal, action, namespace, memories and rules of its call', async () => {
  const { store, west } = await ward();
  await store.as({ userId: 'doctor' }).get(west);
  const [entry] = (await store.audit.query({ action: 'get' })).items;
  const rules = await store.admin.access.list();
  const allowing = rules.find((rule) => 'to' in rule && JSON.stringify(rule.to) === '{"userId":"doctor"}');
  expect(entry).toMatchObject({
    chain: 'access',
    by: { userId: 'doctor' },
    action: 'get',
    decision: 'allowed',
    seq: 1,
    changeSeq: 2,
    namespace: [],
    memories: [{ id: west, namespace: ['ward', 'west'] }],
    rules: [allowing?.id],
    policyVersion: 1,
  });
  expect(entry?.at).toBeInstanceOf(Date);
});

test('the rules in an entry include the clearance that made a memory readable', async () => {
  const store = await inMemory({
    access: [allow({ agentId: 'a' }, 'writer', ['x']), clear({ agentId: 'a' }, 'vip', ['x'])],
  });
  const a = store.as({ agentId: 'a' });
  const { id } = await a.remember('A secret.', { namespace: ['x'], accessTags: ['vip'] });
  await a.get(id);
  const [entry] = await entries(store, { action: 'get' });
  expect(entry?.rules).toHaveLength(2);
});

test('the rules in the entry of a refused call are the rules that denied it', async () => {
  const store = await inMemory({
    access: [allow('everyone', 'writer', []), deny({ agentId: 'b' }, ['write'], ['x'])],
  });
  const denying = (await store.admin.access.list()).find((rule) => 'effect' in rule && rule.effect === 'deny');
  await expect(store.as({ agentId: 'b' }).remember('No.', { namespace: ['x', 'y'] })).rejects.toThrow();
  const [entry] = await entries(store, { by: { agentId: 'b' } });
  expect(entry).toMatchObject({ decision: 'refused', code: 'FORBIDDEN', namespace: ['x', 'y'], rules: [denying?.id] });
});

describe('one entry is recorded for', () => {
  test('each read', async () => {
    const { store, west } = await ward();
    const nurse = store.as({ agentId: 'nurse' });
    await nurse.recall('sleeps', { namespace: ['ward', 'west'] });
    await nurse.get(west);
    await nurse.get({ namespace: ['ward'], key: 'none' });
    await nurse.history(west);
    await nurse.list({ limit: 1 });
    await nurse.count();
    await nurse.namespaces();
    await nurse.stats();
    await nurse.access.list();
    await nurse.forgetWhere({ userId: 'pat' }, { dryRun: true });
    expect((await entries(store, { by: { agentId: 'nurse' } })).slice(2).map(line)).toEqual([
      `nurse, recall, ${west}`,
      `nurse, get, ${west}`,
      'nurse, get, NOT_FOUND',
      `nurse, history, ${west}`,
      expect.stringMatching(/^nurse, list, \S+$/),
      'nurse, count',
      'nurse, namespaces',
      'nurse, stats',
      'nurse, access.list',
      `nurse, forgetWhere, ${west}`,
    ]);
  });

  test('each page of a list, and each change that a watch yields', async () => {
    const { store, west, east } = await ward();
    const nurse = store.as({ agentId: 'nurse' });
    for await (const _ of nurse.list({ limit: 1, order: 'oldest' }));
    let delivered = 0;
    for await (const _ of nurse.watch({ since: 'start' })) if (++delivered === 2) break;
    expect((await entries(store, { action: ['list', 'watch'] })).map(line)).toEqual([
      `nurse, list, ${west}`,
      `nurse, list, ${east}`,
      'nurse, watch',
      `nurse, watch, ${west}`,
      `nurse, watch, ${east}`,
    ]);
  });

  test('each write: in the changes chain, or in the access chain if it was rejected before it became a command', async () => {
    const { store, west } = await ward();
    const [doctor, stranger] = [store.as({ userId: 'doctor' }), store.as({ userId: 'stranger' })];
    await doctor.update(west, { text: 'Slept well.' });
    await expect(doctor.forget(west, { ifRevision: 7 })).rejects.toThrow();
    await expect(doctor.update(west, { text: 'x' }, { ifRevision: 7 })).rejects.toThrow();
    await expect(stranger.update(west, { text: 'x' })).rejects.toThrow();
    await stranger.forget(west);
    await doctor.share(west, { namespace: ['ward', 'east'] });
    const mine = (await entries(store)).filter(({ by }) => by !== undefined && 'userId' in by);
    expect(mine.map((entry) => `${entry.chain}: ${line(entry)}`)).toEqual([
      `changes: doctor, update, ${west}`,
      `changes: doctor, forget, REVISION_CONFLICT, ${west}`,
      `access: doctor, update, REVISION_CONFLICT, ${west}`,
      `access: stranger, update, NOT_FOUND, ${west}`,
      `changes: stranger, forget, NOT_FOUND, ${west}`,
      `changes: doctor, share, ${west} ${west}`,
    ]);
  });

  test('a write that repeats an idempotency key', async () => {
    const { store } = await ward();
    const nurse = store.as({ agentId: 'nurse' }, { namespace: ['ward'] });
    const { id } = await nurse.remember('Once.', { idempotencyKey: 'k' });
    await nurse.remember('Once.', { idempotencyKey: 'k' });
    expect((await entries(store, { id })).map((entry) => `${entry.chain}: ${line(entry)}`)).toEqual([
      `changes: nurse, remember, ${id}`,
      `access: nurse, remember, ${id}`,
    ]);
  });

  test('each command of a batch, and one for all items that were rejected before they became commands', async () => {
    const { store } = await ward();
    const nurse = store.as({ agentId: 'nurse' });
    const items = [['ward'], ['elsewhere'], ['ward'], ['elsewhere']];
    const result = await nurse.rememberMany(items.map((namespace) => ({ text: 'A note.', namespace })));
    expect(result).toMatchObject({ stored: 2, failed: 2 });
    const found = await entries(store, { action: 'remember' });
    expect(found.slice(2).map(({ chain, decision }) => `${chain} ${decision}`)).toEqual([
      ...['changes allowed', 'changes allowed', 'access refused'],
    ]);
  });

  test('each change of rules', async () => {
    const { store } = await ward();
    await store.admin.access.allow({ agentId: 'temp' }, 'reader', ['ward', 'east']);
    await expect(store.as({ agentId: 'temp' }).access.allow('everyone', 'reader', [])).rejects.toThrow();
    const found = await entries(store, { action: ['declare', 'add-declaration'] });
    expect(found.map((entry) => [line(entry), entry.namespace])).toEqual([
      ['root, declare', []],
      ['root, add-declaration', ['ward', 'east']],
      ['temp, add-declaration, FORBIDDEN', []],
    ]);
  });
});

describe('an auditor', () => {
  test('of one namespace sees the entries about this namespace, with only the memories in it', async () => {
    const { store, west } = await ward();
    await store.as({ agentId: 'nurse' }).list();
    await store.as({ agentId: 'nurse' }).count({ namespace: ['ward', 'east'] });
    await store.as({ agentId: 'nurse' }).count({ namespace: ['ward', 'west'] });
    const { audit } = store.as({ userId: 'inspector' });
    const { items } = await audit.query({ order: 'oldest' });
    expect(items.map(line)).toEqual([`nurse, remember, ${west}`, `nurse, list, ${west}`, 'nurse, count']);
    for (const item of items) {
      for (const counted of ['seq', 'changeSeq', 'policyVersion', 'rules']) expect(item).not.toHaveProperty(counted);
      expect(item.namespace ?? ['ward', 'west']).toEqual(['ward', 'west']);
    }
    for await (const exported of audit.export()) expect(exported).not.toHaveProperty('body');
  });

  test('of one namespace finds with `userId` only entries about this namespace', async () => {
    const { store, west } = await ward();
    const { audit } = store.as({ userId: 'inspector' });
    await store.as({ agentId: 'nurse' }).list();
    expect((await audit.query({ userId: 'pat' })).items.map(line)).toEqual([
      `nurse, list, ${west}`,
      `nurse, remember, ${west}`,
    ]);
    expect((await audit.query({ userId: 'sam' })).items).toEqual([]);
  });

  test('cannot read memories; principals that are not auditors cannot read the audit', async () => {
    const { store, west } = await ward();
    expect(await store.as({ userId: 'inspector' }).get(west)).toBeUndefined();
    for (const principal of [{ agentId: 'nurse' }, { userId: 'stranger' }]) {
      await expect(store.as(principal).audit.query()).rejects.toMatchObject({ code: 'FORBIDDEN' });
      const exported = store.as(principal).audit.export()[Symbol.asyncIterator]();
      await expect(exported.next()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    const narrowed = store.as({ userId: 'chief' }, { userId: 'pat' });
    await expect(narrowed.audit.query()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('of the whole store sees all entries except those in namespaces where a rule denies it', async () => {
    const { store, east } = await ward();
    await store.admin.access.deny({ userId: 'chief' }, ['audit'], ['ward', 'west']);
    const { items } = await store.as({ userId: 'chief' }).audit.query({ action: 'remember' });
    expect(items.map(line)).toEqual([`nurse, remember, ${east}`]);
  });

  test('leaves an entry for each query, allowed or refused', async () => {
    const { store } = await ward();
    const chief = store.as({ userId: 'chief' });
    await chief.audit.query({ within: ['ward'] });
    for await (const _ of chief.audit.export());
    await expect(store.as({ userId: 'stranger' }).audit.query()).rejects.toThrow();
    const found = await entries(store, { action: ['audit.query', 'audit.export'] });
    expect(found.map(line)).toEqual([
      ...['chief, audit.query', 'chief, audit.export', 'stranger, audit.query, FORBIDDEN'],
    ]);
    expect(found[0]?.namespace).toEqual(['ward']);
  });
});

describe('a query', () => {
  test('returns pages, and leaves out entries that are recorded after it began', async () => {
    const { store, west } = await ward();
    for (let i = 0; i < 25; i++) await store.admin.get(west);
    for (const order of ['newest', 'oldest'] as const) {
      const all = await entries(store, { order });
      const paged: unknown[] = [];
      for await (const entry of store.audit.query({ order, limit: 4 })) paged.push(entry);
      expect(paged.length).toBeGreaterThan(27);
      const [whole, parts] = [all, paged].map((list) =>
        list.filter((each) => (each as (typeof all)[0]).action === 'get'),
      );
      expect(parts).toEqual(whole);
    }
  });

  test('accepts a cursor only if it was returned for the same query, principal and store', async () => {
    const { store } = await ward();
    const { nextCursor: cursor = '' } = await store.audit.query({ limit: 1 });
    expect((await store.audit.query({ limit: 5, cursor })).items.length).toBeGreaterThan(0);
    const wrong = [
      store.audit.query({ limit: 1, cursor, order: 'oldest' }),
      store.audit.query({ limit: 1, cursor: `${cursor.slice(0, -2)}AA` }),
      store.as({ userId: 'chief' }).audit.query({ limit: 1, cursor }),
    ];
    for (const query of wrong) await expect(query).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
  });

  test('selects entries by time, action, decision, namespace and principal', async () => {
    const { store, west, east } = await ward();
    const lines = async (query: object) => (await entries(store, query)).map(line);
    await store.as({ agentId: 'scribe', onBehalfOf: { userId: 'pat' } } as never).get(west);
    await store.as({ userId: 'pat' }).get(west);
    await store.as({ userId: 'stranger' }).get(east);
    expect(await lines({ decision: 'refused' })).toEqual([`stranger, get, NOT_FOUND, ${east}`]);
    expect(await lines({ within: ['ward', 'east'], action: 'get' })).toEqual([`stranger, get, NOT_FOUND, ${east}`]);
    expect(await lines({ by: { userId: 'pat' } })).toEqual([`scribe for pat, get, ${west}`, `pat, get, ${west}`]);
    expect(await lines({ by: { agentId: 'scribe', onBehalfOf: { userId: 'pat' } } })).toHaveLength(1);
    expect(await lines({ by: { agentId: 'unknown' } })).toEqual([]);
    const [first, second] = (await entries(store)) as [AuditEntry, AuditEntry];
    expect(await entries(store, { until: second.at })).toEqual([first]);
    expect((await entries(store, { since: second.at }))[0]).toEqual(second);
    await expect(store.audit.query({ action: undefined } as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
