import { generateKeyPairSync } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { type AuditVerification, allow, type Checkpoint, MemoryStore, type OpenOptions } from 'multi-agent-memory';
import { describe, expect, test, vi } from 'vitest';
import { segmentLength } from '../../src/audit/merkle';
import { editDatabase, entries, folder, line } from './stores';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const access = [allow({ agentId: 'a' }, 'curator', ['x'])];

/** Opens a store and collects its checkpoints in `kept`. */
async function open(path: string, kept: Checkpoint[], options: OpenOptions = {}): Promise<MemoryStore> {
  const audit = { signingKey: privateKey, onCheckpoint: (checkpoint: Checkpoint) => void kept.push(checkpoint) };
  return MemoryStore.open(path, { access, audit, ...options });
}

/** Makes a store with entries in both chains, and closes it. Returns its checkpoints. */
async function usedStore(path = folder()): Promise<{ path: string; kept: Checkpoint[] }> {
  const kept: Checkpoint[] = [];
  // Without the checkpoints that are made every second: only `close` makes some, however slow the machine is.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await using store = await open(path, kept);
    await use(store, 12);
  } finally {
    vi.useRealTimers();
  }
  return { path, kept };
}

async function use(store: MemoryStore, times: number): Promise<void> {
  const a = store.as({ agentId: 'a' }, { namespace: ['x'] });
  for (let i = 0; i < times; i++) {
    const { id } = await a.remember(`Note ${i}.`);
    await a.get(id);
  }
}

async function verified(path: string, head: readonly Checkpoint[] = []): Promise<AuditVerification> {
  await using store = await MemoryStore.open(path);
  return await store.audit.verify({ head, publicKey });
}

const chainOf = (found: AuditVerification, chain: string) => found.chains.find((each) => each.chain === chain);

describe('verification', () => {
  test('finds nothing wrong in intact chains, and reports whether it received heads of both chains', async () => {
    const { path, kept } = await usedStore();
    expect(kept.map(({ chain }) => chain).sort()).toEqual(['access', 'changes']);
    expect(await verified(path, kept)).toMatchObject({ ok: true, anchored: true });
    expect(await verified(path)).toMatchObject({ ok: true, anchored: false });
    expect(await verified(path, kept.slice(0, 1))).toMatchObject({ ok: true, anchored: false });
  });

  test.each([
    ['memory.db', 'changes'],
    ['audit.db', 'access'],
  ] as const)('finds changes to %s that were made without the store', async (file, chain) => {
    const { path, kept } = await usedStore();
    const size = kept.find((head) => head.chain === chain)?.size ?? 0;
    const tamperings: [sql: string, found: object][] = [
      [`update audit_entries set body = replace(body, '"allowed"', '"refused"') where seq = 5`, { from: 5, to: 5 }],
      ['update audit_entries set hash = zeroblob(32) where seq = 6', { from: 6, to: 6 }],
      ['delete from audit_entries where seq = 7', { from: 1, to: 7, status: 'altered' }],
      [`delete from audit_entries where seq > ${size - 3}`, { to: size - 2, status: 'truncated' }],
      [
        'update audit_entries set body = (select body from audit_entries e where e.seq = 9 - audit_entries.seq) where seq in (4, 5)',
        { status: 'altered', from: 4, to: 4 },
      ],
      ['delete from audit_entries', { status: 'truncated' }],
    ];
    for (const [sql, found] of tamperings) {
      const copy = folder();
      cpSync(path, copy, { recursive: true });
      editDatabase(copy, file, (database) => database.exec(sql));
      const result = await verified(copy, kept);
      expect(result, sql).toMatchObject({ ok: false, anchored: true });
      expect(chainOf(result, chain), sql).toMatchObject({ ...found, message: expect.any(String) });
      const other = chainOf(result, chain === 'changes' ? 'access' : 'changes');
      expect(other, sql).toMatchObject({ status: 'intact' });
    }
  });

  test('does not report a name that was erased', async () => {
    const { path, kept } = await usedStore();
    for (const file of ['memory.db', 'audit.db'] as const) {
      editDatabase(path, file, (database) => database.exec("delete from audit_names where kind = 'agent'"));
    }
    expect(await verified(path, kept)).toMatchObject({ ok: true, anchored: true });
    await using store = await MemoryStore.open(path);
    const [entry] = await entries(store, { action: 'get' });
    expect(entry).toMatchObject({ by: undefined, pseudonyms: { party: expect.any(String) } });
    await use(store, 1);
    const reads = await entries(store, { action: 'get' });
    expect(new Set(reads.map(({ pseudonyms }) => pseudonyms.party)).size).toBe(2);
  });

  test('finds that an older copy replaced the folder', async () => {
    const { path, kept } = await usedStore();
    const older = folder();
    cpSync(path, older, { recursive: true });
    await (async () => {
      await using store = await open(path, kept);
      await use(store, 5);
    })();
    expect(await verified(older, kept)).toMatchObject({ ok: false, chains: [{ status: 'truncated' }, {}] });
    await (async () => {
      await using store = await open(older, []);
      await use(store, 40);
    })();
    const result = await verified(older, kept);
    expect(result).toMatchObject({ ok: false, chains: [{ status: 'altered' }, { status: 'altered' }] });
    expect(chainOf(result, 'changes')).toMatchObject({ from: 14, to: 18 });
  });

  test('finds changed checkpoints in audit.db', async () => {
    const { path, kept } = await usedStore();
    editDatabase(path, 'audit.db', (database) =>
      database.exec("update audit_checkpoints set note = replace(note, 'a', 'b') where chain = 'changes'"),
    );
    const result = await verified(path, kept);
    expect(result.ok).toBe(false);
    expect(chainOf(result, 'changes')).toMatchObject({
      status: 'intact',
      message: expect.stringMatching('checkpoint'),
    });
  });

  test('accepts only heads that come from this store and are signed with its key', async () => {
    const { path, kept } = await usedStore();
    await using store = await MemoryStore.open(path);
    const other = generateKeyPairSync('ed25519').publicKey;
    const [head] = kept as [Checkpoint];
    const refused = [
      store.audit.verify({ head, publicKey: other }),
      store.audit.verify({ head: { ...head, size: 3 } }),
      store.audit.verify({ head: { ...head, origin: 'elsewhere/changes' } }),
      store.audit.verify({ head: {} as never }),
      store.audit.verify({ publicKey: 'nonsense' }),
    ];
    for (const each of refused) await expect(each).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const foreign = await usedStore();
    await expect(store.audit.verify({ head: foreign.kept, publicKey })).rejects.toThrow('another store');
  });
});

describe('a backup', () => {
  test('gets an epoch entry in both chains when it is opened; heads made after the backup are then reported as restored', async () => {
    const path = folder();
    const kept: Checkpoint[] = [];
    const copy = folder();
    const store = await open(path, kept);
    await use(store, 3);
    await store.audit.checkpoint();
    const before = [...kept];
    await store.backup(copy);
    await use(store, 5);
    await store.close();
    await using restored = await open(copy, kept);
    await use(restored, 30);
    const now = await restored.audit.checkpoint();
    const fine = await restored.audit.verify({ head: [...before, ...now], publicKey });
    expect(fine).toMatchObject({ ok: true, anchored: true });
    expect(fine.chains.map(({ epochs }) => epochs)).toMatchObject([[{ size: 4 }], [{ size: expect.any(Number) }]]);
    expect(now.every(({ note, restoreCount }) => restoreCount === 1 && note.includes('\nlife 1\n'))).toBe(true);
    const all = await restored.audit.verify({ head: kept, publicKey });
    expect(all).toMatchObject({ ok: false, chains: [{ status: 'restored', from: 5 }, { status: 'restored' }] });
    expect((await entries(restored, { action: ['epoch', 'gap'] })).map(line)).toEqual(['root, epoch', 'root, epoch']);
    rmSync(path, { recursive: true });
  });

  test('gets only one epoch entry when it is opened twice', async () => {
    const path = folder();
    const copy = folder();
    await (async () => {
      await using store = await open(path, []);
      await use(store, 2);
      await store.backup(copy);
    })();
    for (const times of [1, 2]) {
      await using store = await open(copy, []);
      expect(await entries(store, { action: 'epoch' }), `opened ${times} times`).toHaveLength(2);
    }
  });
});

describe('retention', () => {
  test('drops whole segments that checkpoints cover, keeps their roots, and leaves an entry', async () => {
    let now = Date.UTC(2026, 5, 1);
    const path = folder();
    const kept: Checkpoint[] = [];
    const clock = { now: () => now++ };
    await using store = await open(path, kept, { clock });
    const a = store.as({ agentId: 'a' }, { namespace: ['x'] });
    const { id } = await a.remember('Read many times.');
    for (let i = 0; i < segmentLength * 2 + 10; i++) await a.get(id);
    expect(await store.audit.retain({ since: new Date(0) })).toEqual({ dropped: 0 });
    const { dropped } = await store.audit.retain({ since: now });
    expect(dropped).toBe(segmentLength * 2);
    expect((await entries(store, { action: 'get' })).length).toBe(10);
    expect((await entries(store, { id, action: 'get' })).length).toBe(10);
    expect(await entries(store, { action: 'retain' })).toHaveLength(1);
    await store.audit.checkpoint();
    expect(await store.audit.verify({ head: kept, publicKey })).toMatchObject({ ok: true, anchored: true });
    await store.close();
    expect(await verified(path, kept)).toMatchObject({ ok: true, anchored: true });
    editDatabase(path, 'audit.db', (database) =>
      database.exec(`update audit_segments set root = zeroblob(32) where segment = 0`),
    );
    expect(chainOf(await verified(path, kept), 'access')).toMatchObject({ status: 'altered' });
  });

  test('of the changes chain is itself a command, and the remaining entries pass verification', async () => {
    let now = Date.UTC(2026, 5, 1);
    const path = folder();
    const kept: Checkpoint[] = [];
    await using store = await open(path, kept, { clock: { now: () => now++ } });
    const items = Array.from({ length: segmentLength + 20 }, (_, i) => ({ text: `Note ${i}`, embed: false as const }));
    await store.as({ agentId: 'a' }, { namespace: ['x'] }).rememberMany(items);
    await store.audit.checkpoint();
    expect(await store.audit.retain({ since: now })).toEqual({ dropped: segmentLength });
    await store.audit.checkpoint();
    expect(await store.audit.verify({ head: kept, publicKey })).toMatchObject({ ok: true, anchored: true });
    editDatabase(path, 'memory.db', (database) => database.exec('delete from audit_entries where seq <= 1030'));
    expect(chainOf(await store.audit.verify(), 'changes')).toMatchObject({ status: 'altered' });
  });
});
