import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listSnapshots, MemoryStore, restoreSnapshot, type StoreEvents } from 'multi-agent-memory';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { all, openFolder, openInMemory, refusal, temporaryFolder } from './stores';

const namespace = ['support'];
const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const secret = 'xylophonquarz';

/** A store with a few memories, and an empty folder for its snapshots. */
async function filled(count = 3, text = secret) {
  const folder = await temporaryFolder();
  const store = await openFolder(folder);
  const items = Array.from({ length: count }, (_, i) => ({
    text: `note ${i} ${text}`,
    namespace,
    embed: false as const,
  }));
  await store.admin.rememberMany(items);
  return { folder, store, to: join(await temporaryFolder(), 'snapshots') };
}

/** A store whose snapshots have several parts. */
async function large() {
  const { store, to } = await filled(8, 'parcel '.repeat(14_000));
  return { store, snapshots: to };
}

/** Where the parts of a snapshot begin, and how long they are. */
function partsOf(content: Buffer, isEncrypted: boolean) {
  const prefix = 'multi-agent-memory snapshot\n'.length;
  return { start: prefix + 4 + content.readUInt32BE(prefix), chunk: 256 * 1024 + (isEncrypted ? 16 : 0) };
}

/** A snapshot whose first two parts are replaced by these of its parts. */
function reordered(whole: Buffer, start: number, chunk: number, parts: readonly number[]): Buffer {
  const part = (i: number) => whole.subarray(start + i * chunk, start + (i + 1) * chunk);
  return Buffer.concat([whole.subarray(0, start), ...parts.map(part), whole.subarray(start + 2 * chunk)]);
}

const target = async () => join(await temporaryFolder(), 'restored');

describe('a snapshot', () => {
  test.each([
    ['without a key', {}],
    ['with a key', { encryptionKey: key }],
  ])('%s is restored as a complete store', async (_, options) => {
    const { store, to } = await filled();
    const snapshot = await store.snapshot(to, options);
    const { id } = await store.admin.remember('later', { namespace, embed: false });
    const folder = await target();
    expect(await restoreSnapshot(snapshot.path, folder, options)).toEqual(snapshot);
    const restored = await openFolder(folder);
    const before = (await all(store.admin.list())).filter((memory) => memory.id !== id);
    expect(await all(restored.admin.list())).toEqual(before);
    expect((await restored.verify()).problems).toEqual([]);
    expect((await restored.audit.verify()).ok).toBe(true);
    expect(readdirSync(folder)).not.toContain('restore.part');
  });

  test('says when it was made, its last change, its size and its digest, also in the list of its folder', async () => {
    const { store, to } = await filled(3);
    const before = Date.now();
    const first = await store.snapshot(to);
    await store.admin.remember('more', { namespace });
    const second = await store.snapshot(to, { encryptionKey: key });
    for (const encryptionKey of [createSecretKey(key), key.toString('base64'), `${key.toString('hex')}\n`])
      expect(await restoreSnapshot(second.path, await target(), { encryptionKey, dryRun: true })).toEqual(second);
    expect(first.at.getTime()).toBeGreaterThanOrEqual(before);
    expect([first.changeSeq, second.changeSeq]).toEqual([3, 4]);
    expect([first.isEncrypted, second.isEncrypted]).toEqual([false, true]);
    expect(first.bytes).toBe(statSync(first.path).size);
    expect(first.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await listSnapshots(to)).toEqual({ snapshots: [second, first], damaged: [] });
  });

  test('that is encrypted contains no text, and leaves none in the folder of the store', async () => {
    const { folder, store, to } = await filled();
    const { path } = await store.snapshot(to, { encryptionKey: key });
    expect(readFileSync(path).includes(secret)).toBe(false);
    expect(readdirSync(to)).toHaveLength(1);
    expect(readdirSync(folder).filter((name) => name.includes('snapshot'))).toEqual([]);
    const plain = await store.snapshot(to);
    expect(readFileSync(plain.path).includes(secret)).toBe(true);
  });

  test('may be made of a store in memory and of a read-only store', async () => {
    const { folder } = await filled(3);
    const reader = await openFolder(folder, { readOnly: true });
    const memory = await openInMemory();
    const to = await temporaryFolder();
    await memory.admin.remember('note', { namespace });
    expect((await reader.snapshot(to, { encryptionKey: key })).changeSeq).toBe(3);
    expect((await memory.snapshot(await temporaryFolder())).changeSeq).toBe(1);
    expect((await refusal(() => memory.snapshot(to, { encryptionKey: key }))).issues[0]?.path).toEqual([
      'encryptionKey',
    ]);
  });

  test('that ends early leaves nothing', async () => {
    const { folder, store, to } = await filled();
    for (const phase of ['backup', 'verify']) {
      const aborting = new AbortController();
      const onProgress = (progress: { phase: string }) => {
        if (progress.phase === phase) aborting.abort(new Error('Enough.'));
      };
      const made = store.snapshot(to, { signal: aborting.signal, onProgress, encryptionKey: key });
      await expect(made).rejects.toThrow('Enough.');
      expect([readdirSync(to), readdirSync(folder).filter((name) => name.includes('snapshot'))]).toEqual([[], []]);
    }
  });

  test('is refused in the folder of its store, and with a key that is undefined or too short', async () => {
    const { folder, store, to } = await filled(1);
    expect((await refusal(() => store.snapshot(join(folder, 'deep')))).issues[0]?.path).toEqual(['to']);
    for (const encryptionKey of [undefined, 'short', key.subarray(1), 7])
      expect((await refusal(() => store.snapshot(to, { encryptionKey } as never))).issues[0]?.path).toEqual([
        'encryptionKey',
      ]);
  });

  test('replaces the oldest of its store beyond `keep`, and no other file', async () => {
    const { store, to } = await filled(1);
    const other = await filled(1);
    await other.store.snapshot(to);
    const first = await store.snapshot(to);
    const foreign = join(to, '2026-01-01T00-00-00-000Z.1.00000000.snapshot');
    writeFileSync(foreign, 'mine');
    for (let i = 0; i < 2; i++) await store.snapshot(to, { keep: 1 });
    const { snapshots, damaged } = await listSnapshots(to);
    expect(snapshots.map(({ path }) => path)).not.toContain(first.path);
    expect([snapshots.length, damaged.map(({ path }) => path)]).toEqual([2, [foreign]]);
  });

  test('removes what a killed process left, and not what a running process makes', async () => {
    const { folder, store, to } = await filled(1);
    mkdirSync(to, { recursive: true });
    const [gone, running] = [2 ** 22 + 7, process.ppid];
    mkdirSync(join(folder, `snapshot-${gone}-00.part`));
    mkdirSync(join(folder, `snapshot-${running}-00.part`));
    writeFileSync(join(to, `.${gone}-2026-01-01T00-00-00-000Z.1.00000000.snapshot.part`), 'half');
    await store.snapshot(to, { encryptionKey: key });
    expect(readdirSync(folder).filter((name) => name.startsWith('snapshot'))).toEqual([`snapshot-${running}-00.part`]);
    expect(readdirSync(to)).toHaveLength(1);
    mkdirSync(join(folder, `snapshot-${gone}-00.part`));
    await store.close();
    await openFolder(folder);
    expect(readdirSync(folder).filter((name) => name.startsWith('snapshot'))).toEqual([`snapshot-${running}-00.part`]);
  });
});

describe('a restore', () => {
  test('detects what was changed, cut off, added or put elsewhere, and then leaves the folder as it was', async () => {
    const { store, snapshots } = await large();
    const to = await temporaryFolder();
    for (const options of [{}, { encryptionKey: key }]) {
      const { path } = await store.snapshot(snapshots, options);
      const whole = readFileSync(path);
      const { start, chunk } = partsOf(whole, 'encryptionKey' in options);
      const flipped = (at: number) => {
        const copy = Buffer.from(whole);
        copy[at] = (copy[at] as number) ^ 1;
        return copy;
      };
      const broken = [
        ...[0, 31, 40, start, start + chunk - 1, start + chunk, whole.length - 40, whole.length - 1].map(flipped),
        ...[whole.length - 1, start + chunk, start, 20, 0].map((length) => whole.subarray(0, length)),
        Buffer.concat([whole, Buffer.alloc(1)]),
        reordered(whole, start, chunk, [1, 0]),
        reordered(whole, start, chunk, [1, 1]),
      ];
      for (const [i, content] of broken.entries()) {
        writeFileSync(path, content);
        const code = await restoreSnapshot(path, to, options).catch((error) => error.code);
        expect([i, code, readdirSync(to)]).toEqual([i, 'RECORD_DAMAGED', []]);
      }
    }
  });

  test('of an encrypted snapshot also detects changes that a new digest hides', async () => {
    const { store, snapshots } = await large();
    const { path, changeSeq } = await store.snapshot(snapshots, { encryptionKey: key });
    const whole = readFileSync(path).subarray(0, -32);
    const { start, chunk } = partsOf(whole, true);
    const renumbered = whole.toString('latin1').replace(`"changeSeq":${changeSeq}`, `"changeSeq":${changeSeq + 1}`);
    const forged = [
      reordered(whole, start, chunk, [1, 0]),
      reordered(whole, start, chunk, [1, 1]),
      Buffer.from(whole).fill(0, start, start + 1),
      Buffer.from(renumbered, 'latin1'),
    ];
    for (const content of forged) {
      writeFileSync(path, Buffer.concat([content, createHash('sha256').update(content).digest()]));
      const error = await refusal(async () => restoreSnapshot(path, await target(), { encryptionKey: key }));
      expect(error.code).toBe('RECORD_DAMAGED');
    }
  });

  test('needs the key of the snapshot, and refuses a snapshot without encryption if there is a key', async () => {
    const { store, to } = await filled();
    const [encrypted, plain] = [await store.snapshot(to, { encryptionKey: key }), await store.snapshot(to)];
    const attempts: [string, object][] = [
      [encrypted.path, {}],
      [encrypted.path, { encryptionKey: randomBytes(32) }],
      [encrypted.path, { encryptionKey: undefined }],
      [plain.path, { encryptionKey: key }],
    ];
    for (const [path, options] of attempts) {
      const { code, issues, message } = await refusal(async () => restoreSnapshot(path, await target(), options));
      expect([code, issues[0]?.path]).toEqual(['INVALID_INPUT', ['encryptionKey']]);
      expect(message).not.toContain(key.toString('base64').slice(0, 8));
    }
  });

  test('takes the newest snapshot of a folder, or the newest until a time', async () => {
    const { store, to } = await filled(1);
    const first = await store.snapshot(to);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await store.snapshot(to);
    expect((await restoreSnapshot(to, await target(), { dryRun: true })).path).toBe(second.path);
    expect((await restoreSnapshot(to, await target(), { dryRun: true, at: first.at })).path).toBe(first.path);
    const early = { at: new Date(first.at.getTime() - 1) };
    expect((await refusal(async () => restoreSnapshot(to, await target(), early))).issues[0]?.path).toEqual(['from']);
    await (await filled(1)).store.snapshot(to);
    expect((await refusal(async () => restoreSnapshot(to, await target()))).message).toContain('several stores');
  });

  test('checks everything and writes nothing with `dryRun`', async () => {
    const { store, to: snapshots } = await filled();
    const snapshot = await store.snapshot(snapshots, { encryptionKey: key });
    const to = await target();
    await restoreSnapshot(snapshot.path, to, { dryRun: true, encryptionKey: key });
    expect(() => statSync(to)).toThrow('ENOENT');
    const content = readFileSync(snapshot.path);
    content[content.length >> 1] = (content[content.length >> 1] as number) ^ 1;
    writeFileSync(snapshot.path, content);
    const again = () => restoreSnapshot(snapshot.path, to, { dryRun: true, encryptionKey: key });
    expect((await refusal(again)).code).toBe('RECORD_DAMAGED');
  });

  test('that was interrupted leaves a folder that no process opens, and that another restore completes', async () => {
    const { store, to: snapshots } = await filled();
    const { path } = await store.snapshot(snapshots);
    const to = await target();
    await restoreSnapshot(path, to);
    mkdirSync(join(to, 'restore.part'));
    for (const options of [{}, { readOnly: true }])
      expect((await refusal(() => openFolder(to, options))).message).toContain('interrupted');
    await restoreSnapshot(path, to);
    expect(await (await openFolder(to)).admin.count()).toBe(3);
    expect((await refusal(() => restoreSnapshot(path, to))).issues[0]?.path).toEqual(['to']);
  });

  test('reports every problem of its arguments at once', async () => {
    const error = await refusal(() =>
      restoreSnapshot(1 as never, '~/x', { at: 'x', encryptionKey: 'y', dryRum: true } as never),
    );
    expect(error.issues.map(({ path }) => path[0])).toEqual(['from', 'to', 'encryptionKey', 'at', 'dryRum']);
  });
});

describe('snapshots in the background', () => {
  /** The next event of a kind. */
  const next = <E extends keyof StoreEvents>(store: MemoryStore, event: E) =>
    new Promise<StoreEvents[E]>((resolve) => {
      const off = store.on(event, (payload) => {
        off();
        resolve(payload);
      });
    });

  test('are made at once, then regularly, and so many are kept', async () => {
    const to = await temporaryFolder();
    const store = await openFolder(await temporaryFolder(), {
      snapshots: { to, everyMs: 1_000, keep: 1, encryptionKey: key },
    });
    const first = await next(store, 'snapshot');
    const second = await next(store, 'snapshot');
    expect(second.at.getTime() - first.at.getTime()).toBeGreaterThan(500);
    expect(readdirSync(to)).toHaveLength(1);
    expect((await store.audit.query({ action: 'snapshot' })).items.length).toBeGreaterThanOrEqual(2);
    await store.close();
    await restoreSnapshot(to, await target(), { encryptionKey: key, dryRun: true });
  });

  test('are not made again at once after a restart', async () => {
    const [folder, to] = [await temporaryFolder(), await temporaryFolder()];
    const open = () => openFolder(folder, { snapshots: { to, everyMs: 3_600_000 } });
    const store = await open();
    await next(store, 'snapshot');
    await store.close();
    const again = await open();
    await again.admin.remember('note', { namespace });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await again.close();
    expect(readdirSync(to)).toHaveLength(1);
  });

  test('that fail are an event, and are made again later', async () => {
    const parent = await temporaryFolder();
    const to = join(parent, 'snapshots');
    writeFileSync(to, 'a file in the place of the folder');
    const store = await openFolder(await temporaryFolder(), { snapshots: { to, everyMs: 1_000 } });
    const { part, error } = await next(store, 'degraded');
    expect([part, error.code]).toEqual(['snapshots', 'INVALID_INPUT']);
    await store.admin.remember('note', { namespace });
    renameSync(to, join(parent, 'moved'));
    expect((await next(store, 'snapshot')).changeSeq).toBe(1);
  });

  test('end with the store, and leave nothing', async () => {
    const [folder, to] = [await temporaryFolder(), join(await temporaryFolder(), 'snapshots')];
    const store = await openFolder(folder, { snapshots: { to, everyMs: 1_000, encryptionKey: key } });
    await vi.waitFor(() => expect(readdirSync(folder).join()).toContain('.part'), { interval: 1 });
    await store.close();
    expect([readdirSync(to), readdirSync(folder).filter((name) => name.includes('part'))]).toEqual([[], []]);
  });

  test('are refused for a store that is read-only or in memory, inside its folder, and too often', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => undefined);
    const to = await temporaryFolder();
    const attempts = [
      () => MemoryStore.open(folder, { readOnly: true, snapshots: { to, everyMs: 1_000 } }),
      () => MemoryStore.inMemory({ snapshots: { to, everyMs: 1_000 } }),
      () => MemoryStore.open(folder, { snapshots: { to: join(folder, 'x'), everyMs: 1_000 } }),
    ];
    for (const attempt of attempts) expect((await refusal(attempt)).issues[0]?.path).toEqual(['snapshots']);
    const wrong = { to: '~', everyMs: 999, keep: 0, encryptionKey: undefined };
    const error = await refusal(() => MemoryStore.open(folder, { snapshots: wrong } as never));
    expect(error.issues.map(({ path }) => path[1])).toEqual(['to', 'everyMs', 'keep', 'encryptionKey']);
  });
});
