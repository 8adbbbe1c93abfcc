import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspectCluster } from 'multi-agent-memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Snapshot } from '../../src/raft/core/messages';
import type { RaftLink } from '../../src/raft/node/raft-link';
import { SnapshotFiles } from '../../src/replica/snapshot-files';
import { encodeManifest } from '../../src/replica/snapshot-manifest';
import { loadChecksum } from '../../src/state/tables/checksum';
import { openFolder } from '../../src/store/composition/compose';
import { SnapshotKeeper } from '../../src/store/composition/snapshot-keeper';
import { storeOf } from '../../src/store/memory-store';
import { parseOptions } from '../../src/store/open-options';
import { openToAll } from '../store/stores';
import { ClusterOfFolders } from './cluster-of-folders';

const place = { namespace: ['cluster'] };
const hour = 3_600_000;

/** A keeper whose checks the test triggers, with the calls that it makes. */
function keeperOf({ logBytes = 0, applied = 5, fails = false } = {}) {
  const node = { now: 0, logBytes, applied, fails };
  const calls: string[] = [];
  const warnings: unknown[] = [];
  let check = (): void => undefined;
  const link = {
    get logBytes() {
      return node.logBytes;
    },
    status: () => ({ applied: node.applied }) as ReturnType<RaftLink['status']>,
    saveSnapshot: async ({ index }: Snapshot) => void calls.push(`save ${index}`),
    purge: async (index: number) => void calls.push(`purge ${index}`),
  };
  const keeper = new SnapshotKeeper({
    link,
    schedule: (_, action) => {
      check = action;
      return () => {
        check = () => undefined;
      };
    },
    elapsedMs: () => node.now,
    logger: { warn: (message) => warnings.push(message) },
    make: async () => {
      if (node.fails) throw new Error('The disk is full.');
      return { index: node.applied } as Snapshot;
    },
    removeOlder: () => void calls.push('remove older'),
    everyMs: hour,
    last: 1,
  });
  const checked = async () => {
    check();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { node, keeper, calls, warnings, checked };
}

describe('the keeper of snapshots', () => {
  test('makes one after an hour, drops what it holds from the log, and removes the one before after another hour', async () => {
    const { node, calls, checked } = keeperOf();
    node.now = hour - 1;
    await checked();
    expect(calls).toEqual([]);
    node.now = hour;
    await checked();
    await checked();
    expect(calls).toEqual(['save 5', 'purge 5']);
    node.now = 2 * hour;
    await checked();
    expect(calls.slice(2)).toEqual(['remove older', 'purge 5']);
  });

  test('makes one when the log is long', async () => {
    const { node, calls, checked } = keeperOf({ logBytes: 256 * 2 ** 20 });
    await checked();
    expect(calls).toEqual(['save 5', 'purge 5']);
    node.logBytes = 0;
    node.applied = 9;
    await checked();
    expect(calls).toHaveLength(2);
  });

  test('goes on after a failure, which it reports, and ends with the store', async () => {
    const { node, keeper, calls, warnings, checked } = keeperOf({ fails: true });
    node.now = hour;
    await checked();
    expect([calls, warnings.length]).toEqual([[], 1]);
    node.fails = false;
    node.now = 2 * hour;
    await checked();
    expect(calls).toEqual(['save 5', 'purge 5']);
    await keeper.close();
    node.now = 3 * hour;
    await checked();
    expect(calls).toHaveLength(2);
  });
});

test('a node that joins after entries were dropped gets the snapshot that holds them', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const options = parseOptions({
    access: openToAll,
    cluster: { ...(await cluster.optionsOf('one')), bootstrap: true },
  });
  mkdirSync(cluster.folderOf('one'), { recursive: true });
  const engine = await openFolder(cluster.folderOf('one'), options);
  const one = storeOf(engine, () => engine.close());
  onTestFinished(() => one.close());
  for (let n = 0; n < 20; n++) await one.admin.remember(`memory ${n}`, place);
  const { items } = await one.admin.list();
  await one.admin.forget(items[0]?.id as string);

  const folder = join(cluster.folderOf('one'), 'raft', 'snapshots');
  const files = new SnapshotFiles({ folder, checksum: await loadChecksum() });
  const { index, term, membership, manifest } = await files.make(engine.state.database);
  const link = engine.cluster?.link as unknown as RaftLink;
  await link.saveSnapshot({ index, term, configuration: membership.configuration, data: encodeManifest(manifest) });
  await link.purge(index);
  await one.admin.remember('after the snapshot', place);

  const join1 = [`127.0.0.1:${(await cluster.optionsOf('one')).listen.port}`];
  const two = await cluster.open('two', { join: join1 });
  expect(await two.admin.count({ consistency: 'linearizable' })).toBe(20);
  expect((await inspectCluster(cluster.folderOf('two'))).log?.firstIndex).toBe(index + 1);
  expect((await two.cluster.compare()).members.map(({ state }) => state)).toEqual(['equal', 'equal']);
});
