import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allow, clear, type Memory, MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';
import { shell, values } from './shell';

const old = new Date('2020-01-01T00:00:00Z');
let folder: string;

/** Opens the store as an application does. */
async function application(options = {}) {
  const access = [
    allow({ agentId: 'billing' }, 'curator', ['support']),
    allow({ userId: 'u-1' }, 'curator', ['support']),
  ];
  return openFolder(folder, { access: [...access, clear({ agentId: 'billing' }, 'pii', [])], ...options });
}

/** The nth id. The third and the fourth begin alike. */
function longId(n: number): string {
  return `0000000${'abcc'[n - 1]}-0000-7000-8000-00000000000${n}`;
}

function nextId(): () => string {
  let n = 0;
  return () => longId(++n);
}

beforeEach(async () => {
  folder = join(await temporaryFolder(), 'memory');
});

describe('commands that read, while an application has the folder open', () => {
  test('stats prints size and embedding spaces for the host, but only numbers of readable memories for an agent', async () => {
    const store = await application();
    await store.admin.remember('one', { namespace: ['support', 'eu'] });
    await store.admin.remember('two', { namespace: ['other'] });
    const [all] = values(await shell(['stats', folder]));
    expect(all).toMatchObject({ memories: 2, space: { dimensions: expect.any(Number) }, bytes: expect.any(Number) });
    expect(values(await shell(['stats', folder, '--agent=billing']))).toEqual([
      { memories: 1, namespaces: [{ namespace: ['support', 'eu'], count: 1 }] },
    ]);
    expect(values(await shell(['stats', folder, '--agent=billing', '--on-behalf-of=u-2']))).toEqual([
      { memories: 0, namespaces: [] },
    ]);
  });

  test('list selects, orders and limits memories, and prints times as ISO 8601', async () => {
    const store = await application();
    const billing = store.as({ agentId: 'billing' });
    const common = { namespace: ['support', 'a/b'], userId: 'c-1', sessionId: 's-1', tags: ['refund', 'card'] };
    await billing.remember('the first', { ...common, priority: 0.9, validFrom: old });
    await billing.remember('the second', { namespace: ['support'], expiresAt: old });
    await store.admin.remember('the third', { namespace: ['support'] });
    const texts = async (...options: string[]) =>
      values<Memory>(await shell(['list', folder, ...options])).map(({ text }) => text);
    expect(await texts()).toEqual(['the third', 'the first']);
    expect(await texts('--oldest')).toEqual(['the first', 'the third']);
    expect(await texts('--all')).toEqual(['the third', 'the second', 'the first']);
    expect(await texts('--limit=1')).toEqual(['the third']);
    expect(await texts('--limit', '1')).toEqual(['the third']);
    expect(await texts('--namespace=["support","a/b"]')).toEqual(['the first']);
    expect(await texts('--namespace=support/a/b')).toEqual([]);
    expect(await texts('--about-user=c-1')).toEqual(['the first']);
    expect(await texts('--by-agent=billing')).toEqual(['the first']);
    expect(await texts('--session=s-1')).toEqual(['the first']);
    expect(await texts('--tag=refund', '--tag=card')).toEqual(['the first']);
    expect(await texts('--tag=refund', '--tag=cash')).toEqual([]);
    expect(await texts('--filter={"priority":{"gt":0.5}}')).toEqual(['the first']);
    expect(await texts('--contains=first')).toEqual(['the first']);
    expect(await texts('--contains=the', '--filter={"priority":{"gt":0.5}}')).toEqual(['the first']);
    expect(await texts('--contains=First')).toEqual([]);
    expect(await texts('--user=u-1', '--limit=1')).toEqual(['the third']);
    expect(await texts('--service=cron')).toEqual([]);
    const [first] = values<{ validFrom: string }>(await shell(['list', folder, '--tag=card']));
    expect(first?.validFrom).toBe(old.toISOString());
  });

  test('reports an invalid filter with each issue and exit code 1', async () => {
    await application();
    const { code, errors } = await shell(['list', folder, '--filter={"colour":"red"}']);
    expect(code).toBe(1);
    expect(errors.join('\n')).toMatch(/^INVALID_INPUT: [\s\S]*filter\.colour/);
  });

  test('recall prints the best matches that fit into one answer, and says that others are left out', async () => {
    const store = await application();
    const text = (i: number) => `refund ${i} ${'x'.repeat(990_000)}`;
    for (let i = 0; i < 18; i++) await store.admin.remember(text(i), { namespace: ['support'], embed: false });
    const ran = await shell(['recall', folder, 'refund', '--mode=keyword', '--top-k=18']);
    expect([ran.code, values(ran).length]).toEqual([0, 16]);
    expect(ran.errors.join()).toContain('Only the best 16 matches');
  });

  test('recall accepts a minimum score, a time, and options to include memories that ordinary reads leave out', async () => {
    const store = await application();
    const namespace = ['support'];
    const validFrom = '2025-01-01T00:00:00Z';
    const first = await store.admin.remember('The refund goes to the card.', { namespace, validFrom });
    const moved = { namespace, supersedes: first.id, validFrom: '2025-06-01T00:00:00Z' };
    const second = await store.admin.remember('The refund goes to the bank.', moved);
    const expired = await store.admin.remember('A refund of old.', { namespace, expiresAt: old });
    const found = async (...options: string[]) =>
      (values(await shell(['recall', folder, 'refund', ...options])) as unknown as Memory[]).map(({ id }) => id).sort();
    expect(await found()).toEqual([second.id]);
    expect(await found('--as-of=2025-03-01T00:00:00Z')).toEqual([first.id]);
    expect(await found('--from=2025-06-01T00:00:00Z')).toEqual([second.id]);
    expect(await found('--include=superseded', '--to=2025-06-01T00:00:00Z')).toEqual([first.id]);
    expect(await found('--include=superseded')).toEqual([first.id, second.id].sort());
    expect(await found('--include=superseded', '--include=expired')).toEqual([first.id, second.id, expired.id].sort());
    expect(await found('--threshold=1')).toEqual([]);
    expect(await found('--threshold=0')).toEqual([second.id]);
    const copy = await store.admin.remember('The refund goes to the bank', {
      namespace,
      validFrom: '2025-07-01T00:00:00Z',
    });
    expect(await found()).toEqual([copy.id]);
    expect(await found('--distinct=off')).toEqual([second.id, copy.id].sort());
  });

  test.each([
    [['--threshold=1.5'], 'Invalid --threshold: expected a number from 0 to 1'],
    [['--threshold=half'], 'Invalid --threshold: expected a number from 0 to 1'],
    [['--distinct=all'], 'Invalid --distinct: expected exact or near or off'],
    [['--as-of=2025-03-01'], 'Invalid --as-of: expected a time in ISO 8601 with a zone'],
    [['--include=forgotten'], 'Invalid --include: expected expired or superseded or consolidated or quarantined'],
    [['--min-score=0.5'], 'Unknown option --min-score. Did you mean --threshold?'],
    [['--limit=3'], 'Unknown option --limit. Did you mean --top-k?'],
  ])('recall rejects %j', async (options, problem) => {
    const { errors, code } = await shell(['recall', folder, 'refund', ...options]);
    expect(code).toBe(2);
    expect(errors.join('\n')).toContain(problem);
  });

  test('recall supports modes, topK and score parts, and returns private memories only to their author', async () => {
    const store = await application();
    const billing = store.as({ agentId: 'billing' });
    await billing.remember('The refund goes to the card.', { namespace: ['support'], accessTags: ['pii'] });
    await billing.remember('A private refund.', { namespace: ['support'], visibility: 'private' });
    await store.settled();
    const question = [folder, 'refund'];
    const hits = values(await shell(['recall', ...question, '--agent=billing', '--mode=keyword', '--explain']));
    expect(hits).toHaveLength(2);
    expect(hits[0]).toMatchObject({ score: expect.any(Number), parts: { keyword: expect.any(Number) } });
    expect(
      values(await shell(['recall', ...question, '--agent=billing', '--top-k=1', '--mode=semantic'])),
    ).toHaveLength(1);
    expect(values(await shell(['recall', ...question, '--user=u-1']))).toEqual([]);
    expect(values(await shell(['recall', folder, '--agent=billing', '--', '-5 degrees refund']))).not.toEqual([]);
  });

  test('duplicates and conflicts print groups and pairs, up to a limit', async () => {
    const store = await application();
    const billing = store.as({ agentId: 'billing' }, { namespace: ['support'] });
    for (const text of ['The plan is basic.', 'The plan is basic', 'The plan is premium.', 'The plan is premium.'])
      await billing.remember(text);
    const groups = values<{ kind: string; memories: Memory[] }>(await shell(['duplicates', folder]));
    expect(groups.map(({ kind, memories }) => [kind, memories.length])).toEqual([
      ['exact', 2],
      ['exact', 2],
    ]);
    expect(values(await shell(['duplicates', folder, '--limit=1']))).toHaveLength(1);
    const pairs = values<{ differs: unknown }>(await shell(['conflicts', folder, '--agent=billing', '--limit=3']));
    expect(pairs.map(({ differs }) => differs)).toEqual(Array(3).fill({ newer: ['premium'], older: ['basic'] }));
    expect(values(await shell(['conflicts', folder, '--agent=stranger']))).toEqual([]);
  });

  test('hold begins, counts, lists and ends legal holds', async () => {
    const store = await application();
    for (const text of ['one', 'two'])
      await store.admin.remember(text, { namespace: ['support'], userId: 'customer-4417' });
    await store.close();
    const begin = ['hold', folder, '--matter=m', '--about-user=customer-4417'];
    const json = async (words: string[]) => (await shell(words)).out.map((line) => JSON.parse(line));
    const [{ matched }] = await json([...begin, '--dry-run']);
    expect(await json(['hold', folder])).toEqual([]);
    const [{ id }] = await json(begin);
    expect(await json(['hold', folder])).toMatchObject([{ id, matter: 'm', selection: { userId: 'customer-4417' } }]);
    const [{ forgotten }] = await json(['forget', folder, '--about-user=customer-4417', '--yes']);
    expect([matched, (await json(['hold', folder, '--withheld'])).length]).toEqual([forgotten, forgotten]);
    const release = ['hold', folder, `--release=${id}`];
    for (const words of [[...release, '--dry-run'], [...release, '--dry-run'], release])
      expect(await json(words)).toEqual([{ released: true, forgotten }]);
    expect(await shell([...release, '--dry-run'])).toMatchObject({
      code: 1,
      out: ['{"released":false,"forgotten":0}'],
    });
    expect((await shell(['hold', folder, `--release=${id}`])).code).toBe(1);
    const both = ['--release=x', '--about-user=u'];
    for (const words of [['--matter=m'], ['--about-user=u'], ['--dry-run'], ['--withheld', '--release=x'], both])
      expect((await shell(['hold', folder, ...words])).code).toBe(2);
  });

  test('erase prints a plan, then a receipt that verify-receipt checks and restore replays', async () => {
    const store = await application();
    await store.admin.remember('The parcel went to Zanzibar.', { namespace: ['support'], userId: 'customer-4417' });
    await store.close();
    const parent = await temporaryFolder();
    const path = (name: string) => join(parent, name);
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    await writeFile(path('audit.key'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    await writeFile(path('audit.pub'), publicKey.export({ format: 'pem', type: 'spki' }));
    expect((await shell(['snapshot', folder, path('snapshots')])).code).toBe(0);
    const erase = ['erase', folder, '--about-user=customer-4417', `--signing-key=${path('audit.key')}`];
    const [plan] = values(await shell([...erase, '--mention=zanzibar'])) as [{ about: string[] }];
    expect(plan.about).toHaveLength(1);
    const [receipt] = values(await shell([...erase, '--reason=Request 12', '--yes']));
    expect(receipt).toMatchObject({ ids: plan.about, complete: true, reason: 'Request 12' });
    const { out } = await shell(['receipts', folder]);
    expect(out.map((line) => JSON.parse(line))).toEqual([receipt]);
    await writeFile(path('receipts.jsonl'), out.join('\n'));
    const verify = ['verify-receipt', path('receipts.jsonl'), `--public-key=${path('audit.pub')}`];
    expect(values(await shell(verify))).toMatchObject([{ ok: true, complete: true, problems: [] }]);
    await writeFile(path('receipts.jsonl'), out.join('\n').replace('Request 12', 'Request 13'));
    expect((await shell(verify)).code).toBe(1);
    await writeFile(path('receipts.jsonl'), out.join('\n'));
    const restored = await shell(['restore', path('snapshots'), path('copy'), `--erased=${path('receipts.jsonl')}`]);
    expect([restored.code, values(await shell(['get', path('copy'), plan.about[0] as string]))]).toEqual([0, []]);
    for (const words of [[], ['--about-user=u', '--namespace=n'], ['--about-user=u', '--yes', '--dry-run']])
      expect((await shell(['erase', folder, ...words])).code).toBe(2);
  });

  test('rules and lifecycle show what is kept how long, and forget the rest', async () => {
    const store = await application();
    const { id } = await store.admin.access.retain({ at: ['support'], maxAgeDays: 90, then: 'forget' });
    await store.admin.access.end((await store.admin.access.retain({ at: [], maxAgeDays: 9, then: 'forget' })).id);
    await store.close();
    const retention = { id, retain: 'forget', at: ['support'], maxAgeDays: 90 };
    expect(values(await shell(['rules', folder, '--namespace=support'])).at(-1)).toMatchObject(retention);
    expect(values(await shell(['rules', folder, '--ended']))).toContainEqual(
      expect.objectContaining({ maxAgeDays: 9 }),
    );
    const due = { id, at: ['support'], due: 0 };
    expect(values(await shell(['lifecycle', 'status', folder]))).toMatchObject([{ retention: [due] }]);
    for (const words of [[], ['--dry-run']])
      expect(values(await shell(['lifecycle', 'run', folder, ...words]))).toMatchObject([{ retention: [due] }]);
  });

  test('snapshot, snapshots and restore copy a store with a key from a file', async () => {
    await application();
    const parent = await temporaryFolder();
    const [snapshots, to, keyFile] = ['snapshots', 'restored', 'key'].map((name) => join(parent, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(keyFile, `${'7f'.repeat(32)}\n`);
    const snapshot = ['snapshot', folder, snapshots, `--key-file=${keyFile}`];
    const planned = values(await shell([...snapshot, '--dry-run']));
    expect(planned).toMatchObject([{ to: snapshots, isEncrypted: true, deleted: [] }]);
    expect(existsSync(snapshots)).toBe(false);
    const made = await shell([...snapshot, '--keep=2']);
    const { path } = values<{ path: string }>(made)[0] as { path: string };
    expect(values(await shell([...snapshot, '--keep=1', '--dry-run']))).toMatchObject([{ deleted: [path] }]);
    expect((await shell(['snapshot', folder, join(folder, 'inside'), '--dry-run'])).code).toBe(1);
    expect(values(made)).toMatchObject([{ isEncrypted: true, digest: expect.any(String), at: expect.any(String) }]);
    expect((await shell(['snapshots', snapshots])).out).toEqual(made.out);
    expect((await shell(['restore', snapshots, to])).code).toBe(1);
    const restore = ['restore', snapshots, to, `--key-file=${keyFile}`];
    expect((await shell([...restore, '--dry-run'])).out).toEqual(made.out);
    expect((await shell([...restore, '--at=2020-01-01T00:00:00Z'])).code).toBe(1);
    expect((await shell(restore)).out).toEqual(made.out);
    expect(await shell(['verify', to])).toMatchObject({ code: 0 });
    await writeFile(values<{ path: string }>(made)[0]?.path ?? '', 'x');
    expect(await shell(['snapshots', snapshots])).toMatchObject({ code: 1, out: [] });
  });

  test('backup copies a store that verify accepts, and rejects a target that is not empty', async () => {
    const store = await application();
    await store.admin.remember('one', { namespace: ['support'] });
    const copy = `${folder}-copy`;
    expect((await shell(['backup', folder, copy])).code).toBe(0);
    expect((await shell(['backup', folder, copy])).code).toBe(1);
    const ran = await shell(['verify', copy]);
    expect([ran.code, values(ran)]).toEqual([
      0,
      [{ ok: true, problems: 0, audit: expect.objectContaining({ ok: true }) }],
    ]);
    expect((await shell(['verify', copy, '--repair'])).code).toBe(0);
    expect((await shell(['verify', folder])).code).toBe(0);
  });
});

describe('get', () => {
  test('prints memories by id and short id, and fails for those that do not exist', async () => {
    const store = await application({ newId: nextId() });
    for (const text of ['one', 'two', 'three']) await store.admin.remember(text, { namespace: ['support'] });
    const texts = async (...ids: string[]) =>
      values<Memory>(await shell(['get', folder, ...ids])).map(({ text }) => text);
    expect(await texts(longId(1), '0000000b')).toEqual(['one', 'two']);
    const missing = await shell(['get', folder, '0000000c', '0000000f', '--agent=billing']);
    expect([missing.code, values<Memory>(missing).length, missing.errors.length]).toEqual([1, 1, 1]);
  });
});

describe('consolidate', () => {
  test('shows the facts with --dry-run, and stores them without it', async () => {
    const store = await application();
    for (let i = 0; i < 8; i++)
      await store.admin.remember(`Good morning to everybody. Parcel 44${i} was lost on day ${i}.`, {
        namespace: ['support'],
      });
    await store.close();
    const line = ['consolidate', folder, '--namespace=support', '--ratio=0.7', '--group-by=nothing'];
    const shown = await shell([...line, '--dry-run']);
    expect([shown.code, values(shown)]).toMatchObject([0, [{ facts: [{}] }, { groups: 1, sources: 8 }]]);
    expect(values(await shell(['list', folder]))).toHaveLength(8);
    const stored = await shell(line);
    const [result] = values<{ facts: number }>(stored);
    expect(result).toMatchObject({ groups: 1, sources: 8, skipped: [] });
    expect(values(await shell(['list', folder]))).toHaveLength(result?.facts ?? 0);
  });
});

describe('forget', () => {
  test('takes short ids, and deletes nothing if one is ambiguous', async () => {
    const store = await application({ newId: nextId() });
    for (const text of ['one', 'two', 'three', 'four'])
      await store.admin.remember(text, { namespace: ['support'], embed: false });
    await store.close();
    const ambiguous = await shell(['forget', folder, '0000000b', '0000000c']);
    expect(ambiguous.code).toBe(1);
    expect(ambiguous.errors.join()).toContain('AMBIGUOUS_ID');
    expect(values(await shell(['forget', folder, '0000000b']))).toEqual([{ id: longId(2), forgotten: true }]);
    expect(values(await shell(['list', folder]))).toHaveLength(3);
  });

  test('deletes ids one by one, and exits with 1 if one does not exist', async () => {
    const store = await application();
    const { id } = await store.admin.remember('one', { namespace: ['support'] });
    await store.close();
    const ran = await shell(['forget', folder, id, 'nothing']);
    expect(ran.code).toBe(1);
    expect(values(ran)).toEqual([
      { id, forgotten: true },
      { id: 'nothing', forgotten: false },
    ]);
    expect(values(await shell(['list', folder, '--all']))).toEqual([]);
  });

  test('counts the selected memories, and deletes them only with --yes', async () => {
    const store = await application();
    await store.admin.remember('one', { namespace: ['support'], userId: 'c-1' });
    await store.admin.remember('two', { namespace: ['support'] });
    await store.close();
    const counted = await shell(['forget', folder, '--about-user=c-1']);
    expect([counted.code, values(counted)]).toEqual([0, [{ matched: 1, forgotten: 0 }]]);
    expect(counted.errors).toEqual(['Nothing was deleted. Add --yes to delete the selected memories (1).']);
    expect(values(await shell(['forget', folder, '--about-user=c-1', '--yes']))).toEqual([
      { matched: 1, forgotten: 1 },
    ]);
    expect(values(await shell(['list', folder]))).toHaveLength(1);
  });

  test('deletes only what the rules allow if it acts as an agent', async () => {
    const store = await application();
    const { id } = await store.admin.remember('one', { namespace: ['other'] });
    await store.close();
    expect((await shell(['forget', folder, id, '--agent=billing'])).code).toBe(1);
    expect(values(await shell(['list', folder]))).toHaveLength(1);
  });

  test('works in the same process as an application that serves the store', async () => {
    const store = await application({ serve: true });
    const { id } = await store.admin.remember('one', { namespace: ['support'] });
    expect((await shell(['forget', folder, id])).code).toBe(0);
    expect(await store.admin.get(id)).toBeUndefined();
  });
});

test('commands reject a store from a newer release and do not change it', async () => {
  const store = await application();
  await store.close();
  const { default: Database } = await import('better-sqlite3');
  const { readdirSync } = await import('node:fs');
  const file = readdirSync(folder).find((name) => /\.(db|sqlite)$/.test(name)) as string;
  const database = new Database(join(folder, file));
  database.pragma('user_version = 9999');
  database.close();
  for (const words of [
    ['list', folder],
    ['import', folder],
    ['forget', folder, 'id'],
  ]) {
    const { code, errors } = await shell(words);
    expect([code, errors[0]?.split(':')[0]]).toEqual([1, 'STORE_NEWER']);
  }
  await expect(MemoryStore.open(folder)).rejects.toMatchObject({ code: 'STORE_NEWER' });
});
