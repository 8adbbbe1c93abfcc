import { describe, expect, onTestFinished, test } from 'vitest';
import { MemoryError } from '../../../src/domain/errors';
import type { Entry } from '../../../src/raft/core/entry';
import type { SegmentStorage } from '../../../src/raft/storage/segment-storage';
import type { Random } from '../../faults/random';
import { flipOf } from './damage';
import { folder, logOf, openOn } from './recovery';
import { SimulatedDisk } from './simulated-disk';
import { normal } from './storage-conformance';

const vote = { term: 1, vote: 2, commit: 0 };
const entriesOf = (from: number, to: number, term = 1): readonly Entry[] =>
  Array.from({ length: to - from + 1 }, (_, at) => normal(from + at, term));

/** A node that has voted and stored three entries. */
async function startedNode(disk = new SimulatedDisk()): Promise<SegmentStorage> {
  const storage = await openOn(disk);
  await storage.store({ hardState: vote, entries: entriesOf(1, 3) });
  return storage;
}

const codeOf = async (stored: Promise<void> | undefined) => {
  return Promise.resolve(stored).then(
    () => 'stored',
    (error: unknown) => (MemoryError.is(error) ? error.code : error),
  );
};

describe('a write that is cut off at any byte', () => {
  test('leaves the entries before it, and the log goes on from there', async () => {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    const before = logOf(storage);
    const { copy, written, path, position } = await nextWrite(disk, '.segment', () =>
      storage.store({ entries: [normal(4, 1, 'x'.repeat(70)), normal(5, 1)] }),
    );
    const after = logOf(storage);
    const outcomes = new Set<string>();
    for (let bytes = 0; bytes <= written.length; bytes++) {
      const torn = copy.copy();
      torn.files().get(path)?.set(written.subarray(0, bytes), position);
      const reopened = await openOn(torn);
      const log = logOf(reopened);
      expect([log.startsWith(before), after.startsWith(log)]).toEqual([true, true]);
      outcomes.add(log);
      // The end of the old write must not come back behind what is written next.
      const next = reopened.lastIndex() + 1;
      await reopened.store({ entries: [normal(next, 1, 'y'.repeat(70))] });
      const last = await openOn(torn.kill());
      expect([last.lastIndex(), logOf(last).startsWith(log)]).toEqual([next, true]);
    }
    expect(outcomes.size).toBe(3);
  });

  test('leaves nothing of its later records behind, which could follow what is written next', async () => {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    const { copy, written, path, position } = await nextWrite(disk, '.segment', () =>
      storage.store({ entries: [normal(4, 1, 'x'.repeat(70)), normal(5, 1)] }),
    );
    // The disk has written the second record, and not the first one.
    const second = 48 + 72;
    copy
      .files()
      .get(path)
      ?.set(written.subarray(second), position + second);
    const reopened = await openOn(copy);
    expect(reopened.lastIndex()).toBe(3);
    await reopened.store({ entries: [normal(4, 1, 'y'.repeat(70))] });
    expect((await openOn(copy.kill())).lastIndex()).toBe(4);
  });

  test('leaves the vote before it or the new one', async () => {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    const next = { term: 7, vote: 3, commit: 2 };
    const { copy, written, path, position } = await nextWrite(disk, 'hard-state', () =>
      storage.store({ hardState: next, entries: [] }),
    );
    const terms = new Set<number>();
    for (let bytes = 0; bytes <= written.length; bytes += bytes < 200 || bytes > 4090 ? 1 : 97) {
      const torn = copy.copy();
      torn.files().get(path)?.set(written.subarray(0, bytes), position);
      const { term, vote: voted } = (await openOn(torn)).initialState().hardState;
      expect([`1 ${vote.vote}`, `7 ${next.vote}`]).toContain(`${term} ${voted}`);
      terms.add(term);
    }
    expect(terms).toEqual(new Set([1, 7]));
  });

  /** The next write to a file: the disk before it, and what it writes. */
  async function nextWrite(disk: SimulatedDisk, ending: string, act: () => Promise<void> | undefined) {
    let found: { copy: SimulatedDisk; path: string; position: number; written: Uint8Array } | undefined;
    disk.onWrite = (path, position, written) => {
      if (found === undefined && path.endsWith(ending)) found = { copy: disk.copy(), path, position, written };
    };
    await act();
    disk.onWrite = () => undefined;
    if (found === undefined) throw new Error('There was no write.');
    return found;
  }
});

describe('damage', () => {
  test('of the last entry that was confirmed stops the node: nothing is cut off', async () => {
    const disk = new SimulatedDisk();
    await startedNode(disk);
    const killed = disk.kill();
    const [path, bytes] = segmentIn(killed);
    const at = bytes.indexOf('entry 3 of term 1');
    flipOf(at, 0)(bytes);
    await expect(openOn(killed)).rejects.toMatchObject({ code: 'RECORD_DAMAGED', retryable: false });
    await expect(openOn(killed)).rejects.toThrow(path);
    await expect(openOn(killed)).rejects.toThrow('add it again as a new node');
  });

  test('of an entry before a confirmed one stops the node also if the hard state does not know of them', async () => {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    const [, old] = [...disk.files()].find(([path]) => path.endsWith('hard-state')) as [string, Buffer];
    const hardState = Buffer.from(old);
    for (let index = 4; index < 8; index++) await storage.store({ entries: [normal(index, 1)] });
    const killed = disk.kill();
    // A power cut took the newest states, which are not synced with each entry.
    killed.files().get('/node/hard-state')?.set(hardState);
    const [, bytes] = segmentIn(killed);
    const damaged = killed.copy();
    flipOf(bytes.indexOf('entry 5 of term 1'), 0)(segmentIn(damaged)[1]);
    await expect(openOn(damaged)).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
    expect((await openOn(killed)).lastIndex()).toBe(7);
  });

  test('that a text imitates is not taken for a record', async () => {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    const before = Buffer.from(disk.files().get('/node/hard-state') as Buffer);
    const [, segment] = segmentIn(disk);
    // An entry whose data is the start of the segment, with records in it.
    const data = new Uint8Array(segment.subarray(0, 1_024));
    await storage.store({ entries: [{ kind: 'normal', index: 4, term: 1, data }] });
    const killed = disk.kill();
    // The power was cut while the entry was written: its start is lost, and nobody knows that it was stored.
    const [, bytes] = segmentIn(killed);
    const at = bytes.indexOf(data, data.length / 4);
    bytes.fill(0, at - 48, at);
    killed.files().get('/node/hard-state')?.set(before);
    expect((await openOn(killed)).lastIndex()).toBe(3);
  });

  function segmentIn(disk: SimulatedDisk): [string, Buffer] {
    return [...disk.files()].find(([path]) => path.endsWith('0000000001.segment')) as [string, Buffer];
  }
});

describe('a full disk', () => {
  /** A node whose disk has no room for another segment. */
  async function fullNode(copiesOnWrite = false) {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    await storage.store({ entries: entriesOf(4, 10) });
    disk.capacity = disk.used;
    disk.copiesOnWrite = copiesOnWrite;
    let last = 10;
    while ((await codeOf(storage.store({ entries: [normal(last + 1, 1)] }))) === 'stored') last++;
    return { disk, storage, last };
  }

  test('refuses entries with DISK_FULL, and takes them when there is room', async () => {
    const { disk, storage, last } = await fullNode();
    const works = [{ entries: [normal(last + 1, 1)] }, { entries: [normal(last + 2, 1)] }];
    expect(await Promise.all(works.map((work) => codeOf(storage.store(work))))).toEqual(['DISK_FULL', 'DISK_FULL']);
    expect(storage.lastIndex()).toBe(last);
    disk.capacity = Number.POSITIVE_INFINITY;
    expect(await Promise.all(works.map((work) => codeOf(storage.store(work))))).toEqual(['stored', 'stored']);
    const reopened = await openOn(disk.kill());
    expect(reopened.lastIndex()).toBe(last + 2);
  });

  test('takes votes, alone or with entries that find no room, and lets the node start', async () => {
    const { disk, storage, last } = await fullNode();
    expect(await codeOf(storage.store({ hardState: { term: 2, vote: 3, commit: 1 }, entries: [] }))).toBe('stored');
    const work = { hardState: { term: 3, vote: 4, commit: 1 }, entries: [normal(last + 1, 3)] };
    expect(await codeOf(storage.store(work))).toBe('DISK_FULL');
    const killed = disk.kill();
    killed.capacity = killed.used;
    const reopened = await openOn(killed);
    expect(reopened.initialState().hardState).toMatchObject({ term: 3, vote: 4 });
    expect(reopened.lastIndex()).toBe(last);
  });

  test('refuses a snapshot with DISK_FULL, and nothing has changed', async () => {
    const { storage } = await fullNode();
    const before = logOf(storage);
    const snapshot = { index: 500, term: 1, configuration: storage.initialState().membership.configuration };
    const received = { ...snapshot, data: new Uint8Array(9_000) };
    expect(await codeOf(storage.store({ snapshot: received, entries: [] }))).toBe('DISK_FULL');
    expect(await codeOf(storage.saveSnapshot({ ...received, index: 2 }))).toBe('DISK_FULL');
    expect(logOf(storage)).toBe(before);
  });

  test('on a file system that copies on write leaves nothing of a write behind that found no room', async () => {
    const { disk, storage, last } = await fullNode(true);
    expect(storage.lastIndex()).toBe(last);
    disk.capacity = Number.POSITIVE_INFINITY;
    await storage.store({ entries: [normal(last + 1, 1, 'z')] });
    const reopened = await openOn(disk.kill());
    expect(logOf(reopened)).toBe(logOf(storage));
  });
});

describe('a full disk on a file system that copies on write', () => {
  /** A power cut that loses everything that was not synced. */
  const losingAll = { pick: () => 0, chance: () => false, whole: (least: number) => least } as unknown as Random;
  const configuration = { voters: [1], outgoing: [], learners: [], learnersNext: [], autoLeave: false };

  async function nodeWithoutRoom() {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    disk.copiesOnWrite = true;
    return { disk, storage, noRoom: () => Object.assign(disk, { capacity: disk.used }) };
  }

  test('takes a vote again that found no room, and syncs it', async () => {
    const { disk, storage, noRoom } = await nodeWithoutRoom();
    noRoom();
    const work = { hardState: { term: 5, vote: 4, commit: 1 }, entries: [] };
    expect(await codeOf(storage.store(work))).toBe('DISK_FULL');
    expect(await codeOf(storage.store(work))).toBe('DISK_FULL');
    disk.capacity = Number.POSITIVE_INFINITY;
    expect(await codeOf(storage.store(work))).toBe('stored');
    const reopened = await openOn(disk.cutPower(losingAll));
    expect(reopened.initialState().hardState).toMatchObject({ term: 5, vote: 4 });
  });

  test('takes a snapshot again for which only the hard state found no room', async () => {
    const { disk, storage } = await nodeWithoutRoom();
    const snapshot = { index: 9, term: 1, configuration, data: new Uint8Array() };
    const work = { snapshot, entries: [normal(10, 1)], hardState: { ...vote, commit: 9 } };
    disk.onWrite = (path) => {
      if (path.endsWith('hard-state')) disk.capacity = disk.used;
    };
    expect(await codeOf(storage.store(work))).toBe('DISK_FULL');
    expect(await codeOf(storage.store({ entries: [normal(10, 1)] }))).toBe('DISK_FULL');
    disk.onWrite = () => undefined;
    disk.capacity = Number.POSITIVE_INFINITY;
    expect(await codeOf(storage.store(work))).toBe('stored');
    const reopened = await openOn(disk.cutPower(losingAll));
    expect([reopened.firstIndex(), reopened.lastIndex(), reopened.snapshot()?.index]).toEqual([10, 10, 9]);
  });
});

describe('a sync that fails', () => {
  test.each(['EIO', 'ENOSPC'])('with %s ends the storage for ever, and is never repeated', async (code) => {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    disk.syncError = code;
    await expect(storage.store({ entries: [normal(4, 1)] })).rejects.toMatchObject({
      code: 'FILE_FAILED',
      retryable: false,
    });
    disk.syncError = undefined;
    const { syncs } = disk;
    const snapshot = {
      index: 1,
      term: 1,
      configuration: storage.initialState().membership.configuration,
      data: new Uint8Array(),
    };
    for (const call of [
      () => storage.store({ entries: [normal(4, 1)] }),
      () => storage.store({ hardState: { ...vote, commit: 1 }, entries: [] }),
      () => storage.saveSnapshot(snapshot),
      () => storage.purge(1),
    ])
      expect(await codeOf(call())).toBe('FILE_FAILED');
    await storage.close();
    expect(disk.syncs).toBe(syncs);
    const reopened = await openOn(disk.kill());
    expect(reopened.lastIndex()).toBeGreaterThanOrEqual(3);
  });

  test('of the hard state ends the storage, too', async () => {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    disk.syncError = 'EIO';
    expect(await codeOf(storage.store({ hardState: { term: 9, vote: 1, commit: 0 }, entries: [] }))).toBe(
      'FILE_FAILED',
    );
    disk.syncError = undefined;
    expect(await codeOf(storage.store({ hardState: { term: 9, vote: 1, commit: 0 }, entries: [] }))).toBe(
      'FILE_FAILED',
    );
  });
});

describe('a disk that stalls', () => {
  test('holds neither the event loop nor reads, and one sync serves all works that waited', async () => {
    const disk = new SimulatedDisk();
    const storage = await startedNode(disk);
    let release = () => {};
    const stalled = new Promise<void>((resolve) => {
      release = resolve;
    });
    let syncs = 0;
    disk.onSync = (path, done) => {
      if (path.endsWith('.segment')) syncs++;
      void stalled.then(() => setImmediate(done));
    };
    let stored = 0;
    const works = entriesOf(4, 23).map((entry) => {
      return Promise.resolve(storage.store({ entries: [entry] })).then(() => stored++);
    });
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => void setImmediate(resolve));
    expect([stored, storage.lastIndex(), syncs]).toEqual([0, 23, 1]);
    expect(storage.entries(20, 24, 10_000)).toHaveLength(4);
    release();
    await Promise.all(works);
    expect([stored, syncs]).toEqual([20, 2]);
  });
});

describe('a purged entry', () => {
  const secret = 'the canary sings';
  const configuration = { voters: [1], outgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const holdsSecret = (disk: SimulatedDisk) => [...disk.files().values()].some((bytes) => bytes.includes(secret));

  async function secretNode(disk: SimulatedDisk): Promise<SegmentStorage> {
    const storage = await openOn(disk);
    await storage.store({ hardState: { ...vote, commit: 3 }, entries: [normal(1, 1), normal(2, 1, secret)] });
    await storage.store({ entries: [normal(3, 1)] });
    await storage.saveSnapshot({ index: 3, term: 1, configuration, data: new Uint8Array() });
    expect(holdsSecret(disk)).toBe(true);
    return storage;
  }

  test.each([2, 3])('leaves nothing in a file when entries up to %i are purged, and the log goes on', async (index) => {
    const disk = new SimulatedDisk();
    const storage = await secretNode(disk);
    await storage.purge(index);
    expect(holdsSecret(disk)).toBe(false);
    await storage.store({ entries: [normal(4, 1)] });
    const reopened = await openOn(disk.kill());
    expect(logOf(reopened)).toBe(logOf(storage));
  });

  test('leaves nothing after the next start if the process is killed while it is erased', async () => {
    const disk = new SimulatedDisk();
    const storage = await secretNode(disk);
    // The hard state is stored, and then nothing is written any more.
    disk.write = () => undefined;
    void storage.purge(2);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve));
    const killed = disk.kill();
    expect(holdsSecret(killed)).toBe(true);
    const reopened = await openOn(killed);
    await reopened.close();
    expect([holdsSecret(killed), reopened.firstIndex()]).toEqual([false, 3]);
  });

  test('leaves nothing when a snapshot of the leader takes its place', async () => {
    const disk = new SimulatedDisk();
    const storage = await secretNode(disk);
    await storage.store({ snapshot: { index: 9, term: 2, configuration, data: new Uint8Array() }, entries: [] });
    await storage.close();
    expect(holdsSecret(disk)).toBe(false);
  });
});

test('a snapshot is not stored before the votes of earlier calls are durable', async () => {
  const disk = new SimulatedDisk();
  const storage = await startedNode(disk);
  let release = () => {};
  const stalled = new Promise<void>((resolve) => {
    release = resolve;
  });
  disk.onSync = (path, done) =>
    void (path.endsWith('hard-state') ? stalled : Promise.resolve()).then(() => setImmediate(done));
  const { configuration } = storage.initialState().membership;
  const works = [
    { hardState: { ...vote, term: 5 }, entries: [] },
    { hardState: { ...vote, term: 6 }, entries: [] },
    { snapshot: { index: 9, term: 6, configuration, data: new Uint8Array() }, entries: [] },
  ];
  const stored = Promise.all(works.map((work) => storage.store(work)));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => void setImmediate(resolve));
  expect([...disk.files().keys()].filter((path) => path.includes('.snapshot'))).toEqual([]);
  release();
  await stored;
  expect(storage.snapshot()?.index).toBe(9);
});

test('calls after close fail with STORE_CLOSED, and closing twice is the same', async () => {
  const storage = await startedNode();
  onTestFinished(() => storage.close());
  await Promise.all([storage.close(), storage.close()]);
  expect(await codeOf(storage.store({ entries: [normal(4, 1)] }))).toBe('STORE_CLOSED');
  expect(await codeOf(storage.purge(1))).toBe('STORE_CLOSED');
});

test('an entry that is longer than a segment is refused, and nothing of the work is stored', async () => {
  const disk = new SimulatedDisk();
  const storage = await startedNode(disk);
  const long = { kind: 'normal', index: 5, term: 1, data: new Uint8Array(5_000) } as const;
  expect(await codeOf(storage.store({ entries: [normal(4, 1), long] }))).toBe('INVALID_INPUT');
  expect(storage.lastIndex()).toBe(3);
  await storage.store({ entries: [normal(4, 1)] });
});

test('the identity is random, is kept, counts starts, and belongs to one cluster', async () => {
  const disk = new SimulatedDisk();
  const storage = await openOn(disk);
  const other = await openOn(new SimulatedDisk());
  expect(storage.identity.node).not.toBe(other.identity.node);
  expect(storage.identity).toMatchObject({ cluster: undefined, start: 1 });
  storage.setCluster('a'.repeat(32));
  storage.setCluster('a'.repeat(32));
  expect(() => storage.setCluster('b'.repeat(32))).toThrow(expect.objectContaining({ code: 'CLUSTER_MISMATCH' }));
  expect(() => storage.setCluster('x')).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  const reopened = await openOn(disk.kill());
  expect(reopened.identity).toEqual({ cluster: 'a'.repeat(32), node: storage.identity.node, start: 2 });
  expect(folder).toBe('/node');
});
