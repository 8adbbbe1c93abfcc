import { allow, clear, deny, type MemoryStore } from 'multi-agent-memory';
import { expect, test, vi } from 'vitest';
import { changeDatabase, oldFolder } from './old-release';
import { all, codeOf, openFolder } from './stores';

const release = vi.hoisted(() => ({ isOld: false }));

vi.mock('../../src/domain/names', async (load) =>
  (await import('./unchanged-names')).unchangedNames(await load<typeof import('../../src/domain/names')>(), release),
);

const [nfc, nfd] = ['caf\u00e9', 'cafe\u0301'];
const off = { embed: false } as const;

async function expectSound(store: MemoryStore): Promise<void> {
  expect((await store.verify()).problems).toEqual([]);
  expect((await store.audit.verify()).ok).toBe(true);
}

test('names of an earlier release are found in either form after an upgrade', async () => {
  let id = '';
  const folder = await oldFolder(release, async (store) => {
    const agent = store.as({ agentId: nfd, onBehalfOf: { userId: nfd } }, { namespace: [nfd, 'x'] });
    const fields = { key: nfd, tags: [nfd, nfc], userId: nfd, sessionId: nfd, ...off };
    ({ id } = await agent.remember('first', fields));
    await agent.remember('second', fields);
    await agent.remember('private', { key: `${nfd}!`, visibility: 'private', ...off });
  });
  const store = await openFolder(folder);
  for (const form of [nfc, nfd]) {
    const agent = store.as({ agentId: form, onBehalfOf: { userId: form } }, { namespace: [form] });
    const found = await agent.get({ namespace: [form, 'x'], key: form });
    expect(found).toMatchObject({ id, namespace: [nfc, 'x'], key: nfc, tags: [nfc], userId: nfc, sessionId: nfc });
    expect(found).toMatchObject({ agentId: nfc, onBehalfOf: nfc, text: 'second' });
    expect(await agent.count({ userId: form, sessionId: form, tags: [form], agentId: form })).toBe(1);
    expect(await agent.count({ filter: { tags: form, key: form, agentId: form, onBehalfOf: form } })).toBe(1);
    expect((await all(agent.list({ filter: { visibility: 'private' } }))).map(({ text }) => text)).toEqual(['private']);
    const history = await agent.history(id);
    expect(history.map(({ memory }) => [memory?.text, memory?.tags])).toEqual([
      ['first', [nfc]],
      ['second', [nfc]],
    ]);
    const { items } = await store.audit.query({ by: { agentId: form }, action: 'remember', limit: 10 });
    expect(items).toHaveLength(3);
    expect(items[0]).toMatchObject({ by: { agentId: nfc, onBehalfOf: { userId: nfc } }, namespace: [nfc, 'x'] });
  }
  await expectSound(store);
});

test('an earlier revision with names of an earlier release is converted if only its tags differ from the next', async () => {
  let id = '';
  const folder = await oldFolder(release, async ({ admin }) => {
    ({ id } = await admin.remember('one text', { namespace: [nfd], key: nfd, tags: [nfd], ...off }));
    await admin.update(id, { tags: ['plain'] });
    await admin.update(id, { priority: 0 });
  });
  const store = await openFolder(folder);
  const history = await store.admin.history(id);
  expect(history.map(({ memory }) => [memory?.key, memory?.text, memory?.tags, memory?.priority])).toEqual([
    [nfc, 'one text', [nfc], 0.5],
    [nfc, 'one text', ['plain'], 0.5],
    [nfc, 'one text', ['plain'], 0],
  ]);
  await expectSound(store);
});

test('two memories with keys that look the same both stay, and the older one gets its id as a suffix', async () => {
  const ids: string[] = [];
  const folder = await oldFolder(release, async ({ admin }) => {
    for (const key of [nfc, nfd]) ids.push((await admin.remember(key, { namespace: ['n'], key, ...off })).id);
  });
  const warnings: unknown[] = [];
  const store = await openFolder(folder, { logger: { warn: (message, details) => warnings.push([message, details]) } });
  const [older = '', newer = ''] = ids;
  expect((await store.admin.get({ namespace: ['n'], key: nfd }))?.id).toBe(newer);
  expect((await store.admin.get({ namespace: ['n'], key: `${nfd} (${older})` }))?.id).toBe(older);
  expect((await all(store.admin.list({ filter: { key: { contains: ` (${older})` } } }))).map(({ id }) => id)).toEqual([
    older,
  ]);
  expect(warnings).toEqual([[expect.stringContaining('newer memory'), { ids: [older] }]]);
  await expectSound(store);
  await store.close();
  const again = await openFolder(folder, { logger: { warn: (message) => warnings.push(message) } });
  expect(await again.admin.count()).toBe(2);
  expect(warnings).toHaveLength(1);
});

test('namespaces, principals and access tags that look the same become one, with the rules of both', async () => {
  const access = [
    allow({ agentId: nfd }, 'writer', [nfd]),
    allow({ agentId: 'plain' }, 'reader', []),
    deny({ agentId: 'plain' }, 'reader', [nfd]),
    clear({ agentId: nfd }, nfd, []),
    allow({ agentId: 'writer' }, 'curator', []),
    clear({ agentId: 'writer' }, nfd, []),
    clear({ agentId: 'writer' }, nfc, []),
  ];
  const folder = await oldFolder(
    release,
    async (store) => {
      const writer = store.as({ agentId: 'writer' });
      for (const label of [nfc, nfd])
        await writer.remember(`in ${label}`, { namespace: [label], accessTags: [label], ...off });
      await store.as({ agentId: nfd }).remember('mine', { namespace: [nfd], visibility: 'private', ...off });
    },
    { access },
  );
  const store = await openFolder(folder, { access });
  for (const form of [nfc, nfd]) {
    const agent = store.as({ agentId: form });
    expect((await all(agent.list({ namespace: [form] }))).map(({ text }) => text).sort()).toEqual(
      [`in ${nfc}`, `in ${nfd}`, 'mine'].sort(),
    );
  }
  expect(await store.as({ agentId: 'plain' }).count()).toBe(0);
  expect(await store.admin.namespaces()).toMatchObject([{ namespace: [nfc], count: 3 }]);
  await expectSound(store);
});

test('roles and groups that look the same keep their meaning: the one declared earlier gets its id as a suffix', async () => {
  const folder = await oldFolder(
    release,
    async ({ admin }) => {
      await admin.access.role(nfc, ['read']);
      await admin.access.role(nfd, ['write']);
      await admin.access.group(nfc, [{ agentId: 'reading' }]);
      await admin.access.group(nfd, [{ agentId: 'writing' }]);
      await admin.access.allow({ group: nfc }, nfc, ['n']);
      await admin.access.allow({ group: nfd }, nfd, ['n']);
    },
    { access: [] },
  );
  const store = await openFolder(folder, { access: [] });
  await store.admin.remember('here', { namespace: ['n'], ...off });
  expect(await store.as({ agentId: 'reading' }).count({ namespace: ['n'] })).toBe(1);
  expect(await codeOf(() => store.as({ agentId: 'reading' }).remember('x', { namespace: ['n'], ...off }))).toBe(
    'FORBIDDEN',
  );
  expect((await store.as({ agentId: 'writing' }).remember('x', { namespace: ['n'], ...off })).outcome).toBe('stored');
  expect(await store.as({ agentId: 'writing' }).count({ namespace: ['n'] })).toBe(0);
  const rules = await store.admin.access.list();
  const named = rules.flatMap((each) => ('role' in each ? [each.role] : 'members' in each ? [each.group] : []));
  expect(named.filter((name) => name === nfc)).toHaveLength(2);
  expect(named.filter((name) => /^caf\u00e9 \(rule-\w+\)$/.test(name))).toHaveLength(2);
  await expectSound(store);
});

test('a call with an idempotency key is still recognised after an upgrade', async () => {
  const calls = [
    { key: nfd, idempotencyKey: 'ascii' },
    { tags: [nfd, 'b'], accessTags: [], userId: nfd, sessionId: nfd, idempotencyKey: nfd },
    { namespace: [nfd], idempotencyKey: 'o\u0302\u0323' },
  ];
  const folder = await oldFolder(release, async ({ admin }) => {
    for (const each of calls) await admin.remember('x', { namespace: ['n'], ...each, ...off });
  });
  const store = await openFolder(folder);
  for (const each of calls)
    expect((await store.admin.remember('x', { namespace: ['n'], ...each, ...off })).outcome).toBe('duplicate');
  const other = { ...calls[1], idempotencyKey: nfc };
  expect((await store.admin.remember('x', { namespace: ['n'], ...other, ...off })).outcome).toBe('duplicate');
  expect(await codeOf(() => store.admin.remember('y', { namespace: ['n'], ...other, ...off }))).toBe(
    'IDEMPOTENCY_CONFLICT',
  );
  expect(await store.admin.count()).toBe(3);
});

test.each([
  ['namespace', { namespace: [nfd] }, {}],
  ['user and session', { namespace: ['n'], userId: nfd, sessionId: nfd }, { key: nfd }],
  ['tags, of which the call repeats some', { namespace: ['n'], tags: [nfd, 'b'] }, { tags: [nfd, 'c'] }],
  ['tags, which the call has in another form', { namespace: ['n'], tags: [nfd] }, { tags: [nfc] }],
  ['tags in NFC, which the call has in another form', { namespace: ['n'], tags: [nfc] }, { tags: [nfd] }],
])('a call is still recognised after an upgrade if its scope had another form: %s', async (_, scope, fields) => {
  const write = (store: MemoryStore, text: string) =>
    store.admin.within(scope).remember(text, { ...fields, idempotencyKey: 'once', ...off });
  const folder = await oldFolder(release, async (store) => {
    await write(store, 'x');
  });
  const store = await openFolder(folder);
  expect((await write(store, 'x')).outcome).toBe('duplicate');
  expect(await codeOf(() => write(store, 'y'))).toBe('IDEMPOTENCY_CONFLICT');
  expect(await store.admin.count()).toBe(1);
});

test('a memory whose names became too long is found by id, by listing and by filter, and can be moved', async () => {
  // Its NFC has twice as many characters.
  const long = '\u0958'.repeat(170);
  let id = '';
  const folder = await oldFolder(release, async (store) => {
    const fields = { namespace: [long], key: long, tags: [long], userId: long, ...off };
    ({ id } = await store.as({ agentId: long }).remember('old', fields));
  });
  const store = await openFolder(folder);
  expect((await store.admin.get(id))?.text).toBe('old');
  expect((await all(store.admin.list())).map((memory) => memory.id)).toEqual([id]);
  expect(await store.admin.count({ filter: { namespace: { ne: ['n'] }, key: long, tags: long, agentId: long } })).toBe(
    1,
  );
  for (const form of [long, long.normalize('NFC')]) {
    expect(await codeOf(() => store.admin.get({ namespace: [form], key: form }))).toBe('INVALID_INPUT');
    expect(await codeOf(async () => store.as({ agentId: form }))).toBe('INVALID_INPUT');
  }
  await store.admin.share(id, { namespace: ['n'] });
  expect(await store.admin.count({ namespace: ['n'] })).toBe(1);
  await expectSound(store);
  await store.close();
  const larger = await openFolder(folder, { limits: { nameBytes: 2_048 } });
  expect(await larger.as({ agentId: long }).get({ namespace: ['n'], key: long })).toMatchObject({ id });
});

test('a memory whose names have hidden characters is found by id, by selection and by filter, moved and forgotten', async () => {
  const hidden = 'a\nb\u202e';
  let id = '';
  const folder = await oldFolder(release, async (store) => {
    const fields = { namespace: [hidden], key: hidden, tags: [hidden], userId: hidden, ...off };
    ({ id } = await store.as({ agentId: hidden }).remember('old', fields));
  });
  const { admin } = await openFolder(folder);
  expect(await admin.get(id)).toMatchObject({ id, namespace: [hidden], key: hidden, agentId: hidden });
  expect((await all(admin.list())).map((memory) => memory.id)).toEqual([id]);
  expect(await admin.namespaces({ limit: 1 })).toMatchObject([{ namespace: [hidden] }]);
  expect(await admin.namespaces({ limit: 1, after: [hidden] })).toEqual([]);
  const filter = { key: hidden, tags: hidden, userId: hidden, agentId: hidden };
  expect(await admin.count({ filter })).toBe(1);
  expect(await codeOf(() => admin.get({ namespace: [hidden], key: hidden }))).toBe('INVALID_INPUT');
  await admin.share(id, { namespace: ['clean'] });
  expect(await admin.count({ namespace: ['clean'] })).toBe(1);
  expect(await admin.forgetWhere({ filter }, { dryRun: false })).toMatchObject({ forgotten: 1 });
});

test('another version of Unicode checks the names again, and changes nothing that is in normal form', async () => {
  const folder = await oldFolder(release, async (store) => {
    for (const form of [nfd, nfc]) {
      const agent = store.as({ agentId: form }, { namespace: [form, form] });
      await agent.remember(form, { key: form, tags: [form], ...off });
    }
  });
  const states: unknown[] = [];
  for (let n = 0; n < 2; n++) {
    const store = await openFolder(folder);
    states.push(await all(store.admin.list()));
    await expectSound(store);
    await store.close();
    changeDatabase(folder, "update store_meta set value = 'NFC unicode 1.0' where key = 'name_form'");
  }
  expect(states[0]).toHaveLength(2);
  expect(states[1]).toEqual(states[0]);
});

test('a memory whose text has another type stays damaged, and does not stop the upgrade', async () => {
  const ids: string[] = [];
  const folder = await oldFolder(release, async ({ admin }) => {
    for (const key of [nfc, nfd, `${nfd}!`])
      ids.push((await admin.remember(key, { namespace: ['n'], key, ...off })).id);
  });
  changeDatabase(folder, `update texts set text = 5 where row in (2, 3)`);
  const store = await openFolder(folder);
  expect((await store.admin.get({ namespace: ['n'], key: nfc }))?.id).toBe(ids[0]);
  for (const id of ids.slice(1)) expect(await codeOf(() => store.admin.get(id))).toBe('RECORD_DAMAGED');
  const { problems } = await store.verify();
  expect(problems.map(({ id, part }) => [id, part])).toEqual(ids.slice(1).map((id) => [id, 'record']));
});

test('a damaged memory stays damaged, and does not take the key of an intact one', async () => {
  const ids: string[] = [];
  const folder = await oldFolder(release, async ({ admin }) => {
    for (const key of [nfc, nfd]) ids.push((await admin.remember(key, { namespace: [key], key, ...off })).id);
  });
  changeDatabase(folder, `update memories set priority = 0.75 where id = '${ids[1]}'`);
  const store = await openFolder(folder);
  expect((await store.admin.get({ namespace: [nfc], key: nfc }))?.id).toBe(ids[0]);
  expect((await store.verify()).problems.map((problem) => problem.id)).toEqual([ids[1]]);
  expect(await store.admin.forget(ids[1] as string)).toBe(true);
  expect((await store.verify()).problems).toEqual([]);
});
