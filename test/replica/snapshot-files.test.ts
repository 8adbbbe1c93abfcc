import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { root } from '../../src/domain/principal';
import { nextTurn } from '../../src/environment/timers';
import { configurationOf } from '../../src/raft/core/configuration';
import { SnapshotFiles } from '../../src/replica/snapshot-files';
import { decodeManifest, encodeManifest } from '../../src/replica/snapshot-manifest';
import { openSqlite } from '../../src/sqlite/open-sqlite';
import { StateStore } from '../../src/state/state-store';
import { loadChecksum } from '../../src/state/tables/checksum';
import { contents, draft, remember, stateInFile, type TestState } from '../state/test-state';

const checksum = await loadChecksum();
const cluster = 'c'.repeat(32);
const founded = { cluster, configuration: configurationOf([1, 2]), addresses: { 1: 'one:1', 2: 'two:1' } };

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'multi-agent-memory-test-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

interface Node extends TestState {
  readonly files: SnapshotFiles;
  readonly path: string;
  readonly snapshots: string;
}

function node(at = folder()): Node {
  const path = join(at, 'memory.db');
  const snapshots = join(at, 'snapshots');
  mkdirSync(snapshots);
  const peer = stateInFile(path);
  onTestFinished(() => void peer.state.database.close());
  return { ...peer, path, snapshots, files: new SnapshotFiles({ folder: snapshots, checksum }) };
}

/** Applies the entries up to `upTo`, each with one memory. */
function advance({ state, model }: TestState, upTo: number, text = 'note'): void {
  if (state.membership === undefined) state.foundCluster(founded);
  for (let index = state.logPosition().index + 1; index <= upTo; index++) {
    const commands = [remember(root, index, draft({ id: `memory-${index}`, text: `${text} ${index}` }))];
    const frame = { cluster, incarnation: { node: 1, start: 1 }, number: index - 1, commands };
    model.follow(state.applyEntry({ index, term: 1, frame }));
  }
}

async function delivered(from: Node, to: Node) {
  const snapshot = await from.files.make(from.state.database);
  copyFileSync(from.files.pathOf(snapshot), to.files.pathOf(snapshot));
  return snapshot;
}

describe('a snapshot of the state', () => {
  test('brings a node that lags to the state of the node that made it, while both stay open', async () => {
    const [ahead, behind] = [node(), node()];
    advance(ahead, 50);
    advance(behind, 10);
    const snapshot = await delivered(ahead, behind);
    expect(snapshot).toMatchObject({ index: 50, term: 1, membership: { cluster, index: 1 } });
    await behind.files.install(snapshot, decodeManifest(encodeManifest(snapshot.manifest)), behind.state.database);
    const { changes, changeSeq } = behind.model.replaced();
    expect(changes).toHaveLength(40);
    expect(changeSeq).toBe(ahead.state.lastChangeSeq);
    expect(contents(behind.state.database)).toEqual(contents(ahead.state.database));
    expect(behind.model.columns.last).toBe(49);
    for (const each of [ahead, behind]) advance(each, 60);
    expect(behind.state.logPosition()).toEqual(ahead.state.logPosition());
    expect(contents(behind.state.database)).toEqual(contents(ahead.state.database));
  });

  test('gives a node without anything the whole state, with its cluster', async () => {
    const [ahead, empty] = [node(), node()];
    advance(ahead, 20);
    const snapshot = await delivered(ahead, empty);
    await empty.files.install(snapshot, snapshot.manifest, empty.state.database);
    empty.model.replaced();
    expect(empty.state.membership).toEqual({ ...founded, index: 1 });
    expect(contents(empty.state.database)).toEqual(contents(ahead.state.database));
  });

  test('is followed by the next read, with its rules and names, if that has failed at first', async () => {
    const [ahead, empty] = [node(), node()];
    advance(ahead, 20);
    const snapshot = await delivered(ahead, empty);
    await empty.files.install(snapshot, snapshot.manifest, empty.state.database);
    vi.spyOn(empty.state.auditLog, 'reload').mockImplementationOnce(() => {
      throw new Error('The disk does not answer.');
    });
    expect(() => empty.model.replaced()).toThrow('The disk');
    empty.model.readMissed();
    expect(empty.state.membership).toEqual({ ...founded, index: 1 });
    expect(empty.model.columns.last).toBe(ahead.model.columns.last);
  });

  test('is the state at one position, although entries are applied while it is made', async () => {
    const ahead = node();
    advance(ahead, 100, 'x'.repeat(150_000));
    const made = ahead.files.make(ahead.state.database);
    let isDone = false;
    void made.finally(() => {
      isDone = true;
    });
    for (let index = 101; !isDone; index++) {
      advance(ahead, index, 'x'.repeat(1_000));
      await nextTurn();
    }
    const snapshot = await made;
    expect(snapshot.index).toBeGreaterThan(100);
    const copy = new StateStore(openSqlite(ahead.files.pathOf(snapshot)), checksum);
    expect(copy.logPosition()).toMatchObject({ index: snapshot.index, digest: snapshot.manifest.digest });
    expect(copy.memoryCount()).toBe(snapshot.index - 1);
    copy.database.close();
  });

  test('is private, and at most two are kept', async () => {
    const ahead = node();
    for (const index of [5, 6, 7]) {
      advance(ahead, index);
      await ahead.files.make(ahead.state.database);
    }
    expect(readdirSync(ahead.snapshots).sort()).toEqual(['6-1.db', '7-1.db']);
    expect(ahead.files.newest()).toEqual({ index: 7, term: 1 });
    if (process.platform !== 'win32') expect(statSync(join(ahead.snapshots, '7-1.db')).mode & 0o777).toBe(0o600);
  });

  test('is refused, and changes nothing, if a byte of its file is wrong or the disk has no room', async () => {
    const [ahead, behind] = [node(), node()];
    advance(ahead, 30);
    advance(behind, 10);
    const snapshot = await delivered(ahead, behind);
    const { manifest } = snapshot;
    const install = (changed = manifest) => behind.files.install(snapshot, changed, behind.state.database);
    await expect(install({ ...manifest, bytes: 2 ** 52 })).rejects.toMatchObject({ code: 'DISK_FULL' });
    const path = behind.files.pathOf(snapshot);
    const bytes = readFileSync(path);
    for (const at of [0, 100, bytes.length - 1]) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ 1;
      writeFileSync(path, flipped);
      await expect(install()).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
    }
    writeFileSync(path, bytes.subarray(0, -1));
    await expect(install()).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
    expect(behind.state.logPosition().index).toBe(10);
    writeFileSync(path, bytes);
    await install();
    expect(behind.state.logPosition().index).toBe(30);
  });

  test('leaves the old state or the new one if the process dies while it is installed', async () => {
    const [ahead, behind] = [node(), node()];
    advance(ahead, 150, 'x'.repeat(150_000));
    advance(behind, 10);
    const snapshot = await delivered(ahead, behind);
    const crashed = folder();
    const found = new Set<number>();
    let isDone = false;
    const installed = behind.files.install(snapshot, snapshot.manifest, behind.state.database).finally(() => {
      isDone = true;
    });
    for (let copies = 0; !isDone; copies++) {
      const copy = join(crashed, `${copies}.db`);
      for (const end of ['', '-wal']) copyFileSync(behind.path + end, copy + end);
      const opened = openSqlite(copy);
      const state = new StateStore(opened, checksum);
      found.add(state.logPosition().index);
      expect(state.memoryCount()).toBe(state.logPosition().index - 1);
      opened.close();
      rmSync(copy);
      await nextTurn();
    }
    await installed;
    expect(behind.state.logPosition().index).toBe(150);
    expect(found.has(10)).toBe(true);
    for (const index of found) expect([10, 150]).toContain(index);
  });

  test('exists only for the store of a cluster', async () => {
    const alone = node();
    await expect(alone.files.make(alone.state.database)).rejects.toMatchObject({ code: 'CLUSTER_MISMATCH' });
    expect(readdirSync(alone.snapshots)).toEqual([]);
    expect(existsSync(alone.path)).toBe(true);
  });
});

test('a manifest that no node has made is refused', () => {
  const manifest = { bytes: 3, chunks: ['a'.repeat(64)], digest: 'd' };
  expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
  const wrong = ['', 'null', '[]', JSON.stringify({ ...manifest, version: 1, chunks: [] })].map(Buffer.from);
  for (const bytes of wrong) expect(() => decodeManifest(bytes)).toThrow('description of a snapshot is damaged');
  const newer = Buffer.from(JSON.stringify({ version: 2 }));
  expect(() => decodeManifest(newer)).toThrow(expect.objectContaining({ code: 'STORE_NEWER' }));
});
