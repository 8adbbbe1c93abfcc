import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ClusterMembership, StoreCluster } from '../../src/domain/cluster-membership';
import type { LogEntry } from '../../src/domain/frame';
import { MemoryStore } from '../../src/index';
import { configurationOf } from '../../src/raft/core/configuration';
import { StateStore } from '../../src/state/state-store';
import { loadChecksum } from '../../src/state/tables/checksum';
import { openDatabase } from '../../src/state/tables/database';
import { leaveCluster } from '../../src/store/composition/leave-cluster';
import { agentA, draft, emptyState, remember, reopened, type TestState } from '../state/test-state';

const cluster = 'c'.repeat(32);
const founded: Omit<StoreCluster, 'index'> = {
  cluster,
  configuration: configurationOf([1]),
  addresses: { 1: 'one:7411' },
};

type Members = Omit<ClusterMembership, 'index'>;

const three: Members = {
  configuration: configurationOf([1], [2]),
  addresses: { 1: 'one:7411', 2: 'two:7411' },
};
const checksum = await loadChecksum();

function entry(index: number, membership?: Members): LogEntry {
  return { index, term: 1, ...(membership && { membership: { index, ...membership } }) };
}

function member(): TestState {
  const peer = emptyState();
  peer.state.foundCluster(founded);
  return peer;
}

async function folderOfMember(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'multi-agent-memory-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const store = await MemoryStore.open(folder);
  await store.admin.remember('written before the cluster', { namespace: ['n'] });
  await store.close();
  const database = openDatabase({ path: join(folder, 'memory.db'), readOnly: false });
  const state = new StateStore(database, checksum);
  state.foundCluster(founded);
  state.applyEntry(entry(2, three));
  database.close();
  mkdirSync(join(folder, 'raft'));
  return folder;
}

describe('the members of a cluster', () => {
  test('are those of the latest entry that changed them, also after a restart', () => {
    const peer = member();
    expect(peer.state.membership).toEqual({ ...founded, index: 1 });
    expect(peer.state.logPosition()).toMatchObject({ index: 1, term: 1 });
    for (const each of [entry(2), entry(3, three), entry(4)]) peer.state.applyEntry(each);
    for (const { state } of [peer, reopened(peer)]) expect(state.membership).toEqual({ cluster, index: 3, ...three });
  });

  test('stay as they were if their entry cannot be applied', () => {
    const peer = member();
    expect(() => peer.state.applyEntry(entry(3, three))).toThrow('entry 3 instead of the next one');
    expect(peer.state.membership).toEqual({ ...founded, index: 1 });
    const alone = emptyState();
    expect(() => alone.state.applyEntry(entry(1, three))).toThrow('has no cluster');
    expect(alone.state.logPosition().index).toBe(0);
  });

  test('change the digest of their entry, whatever the order of the addresses', () => {
    const digestAfter = (members: Members | undefined) => {
      const peer = member();
      return peer.state.applyEntry(entry(2, members)).position.digest;
    };
    const turned = { 2: 'two:7411', 1: 'one:7411' };
    expect(digestAfter({ ...three, addresses: turned })).toBe(digestAfter(three));
    const others = [undefined, { ...three, addresses: {} }, { ...three, configuration: configurationOf([1, 2]) }];
    expect(new Set([three, ...others].map(digestAfter)).size).toBe(4);
  });

  test('are refused if their row is damaged', () => {
    const peer = member();
    peer.state.database.exec("update cluster_membership set members = replace(members, 'one', 'two')");
    expect(() => reopened(peer)).toThrow('The members of the cluster in the database are damaged.');
  });
});

test('a member refuses commands that do not come from the log', () => {
  const { state } = member();
  const write = () => state.apply([remember(agentA, 1, draft({ id: 'one' }))]);
  expect(write).toThrow(expect.objectContaining({ code: 'CLUSTER_MISMATCH' }));
  expect(() => state.foundCluster(founded)).toThrow(expect.objectContaining({ code: 'CLUSTER_MISMATCH' }));
  expect(state.logPosition().index).toBe(1);
});

describe('the folder of a member', () => {
  test('opens alone only for reading', async () => {
    const folder = await folderOfMember();
    await expect(MemoryStore.open(folder)).rejects.toMatchObject({ code: 'CLUSTER_MISMATCH' });
    const reader = await MemoryStore.open(folder, { readOnly: true });
    expect((await reader.admin.list()).items).toHaveLength(1);
    await reader.close();
  });

  test('opens alone after it has left the cluster, and records a new epoch', async () => {
    const folder = await folderOfMember();
    expect(leaveCluster(folder)).toBe(true);
    expect(existsSync(join(folder, 'raft'))).toBe(false);
    const store = await MemoryStore.open(folder);
    await store.admin.remember('written alone', { namespace: ['n'] });
    expect((await store.admin.list()).items).toHaveLength(2);
    const { items } = await store.audit.query({ action: 'epoch' });
    expect(items).toHaveLength(1);
    expect(() => leaveCluster(folder)).toThrow(expect.objectContaining({ code: 'STORE_HELD' }));
    await store.close();
    expect(leaveCluster(folder)).toBe(false);
  });

  test('has no cluster in its backups', async () => {
    const folder = await folderOfMember();
    const copy = join(folder, 'copy');
    const reader = await MemoryStore.open(folder, { readOnly: true });
    await reader.backup(copy);
    await reader.close();
    const store = await MemoryStore.open(copy);
    await store.admin.remember('written to the copy', { namespace: ['n'] });
    expect((await store.admin.list()).items).toHaveLength(2);
    await store.close();
  });

  test('is refused by `leaveCluster` if it has no store', () => {
    expect(() => leaveCluster(join(tmpdir(), 'no-store-here'))).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    );
  });
});
