import { join } from 'node:path';
import { MemoryStore, restoreSnapshot, type Snapshot } from 'multi-agent-memory';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { ClusterOfFolders, settledRoles } from './cluster-of-folders';

const place = { namespace: ['cluster'], embed: false } as const;

test('each node makes its own snapshots and purges its own folder, while the others write, and all stay equal', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const one = await cluster.found('one');
  const kept = await temporaryFolder();
  const seeds = [`127.0.0.1:${(await cluster.optionsOf('one')).listen.port}`];
  const two = await cluster.open('two', { join: seeds }, { snapshots: { to: kept, everyMs: 1_000, keep: 2 } });
  await settledRoles(one, 'voter', 'voter');
  const purging = two.purge();
  let isOver = false;
  void purging.finally(() => {
    isOver = true;
  });
  let written = 0;
  do await one.admin.remember(`note ${written++}`, place);
  while (!isOver);
  // The log of the cluster has its own bound.
  expect((await purging).pending).toMatchObject([{ part: 'raft' }]);
  expect(await two.admin.count({ consistency: 'linearizable' })).toBe(written);

  const snapshot = await new Promise<Snapshot>((resolve) => {
    const off = two.on('snapshot', (made) => {
      if (made.changeSeq < written) return;
      off();
      resolve(made);
    });
  });
  const restored = join(await temporaryFolder(), 'restored');
  await restoreSnapshot(snapshot.path, restored);
  const alone = await MemoryStore.open(restored);
  onTestFinished(() => alone.close());
  expect(await alone.admin.count()).toBe(written);
  expect((await alone.verify()).problems).toEqual([]);
  const { members } = await one.cluster.compare();
  expect(members.map(({ state }) => state)).toEqual(['equal', 'equal']);
});
