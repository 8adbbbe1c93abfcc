import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leaveCluster } from '../../src/store/composition/leave-cluster';
import { openFolder } from '../store/stores';
import { ClusterOfFolders } from './cluster-of-folders';

const place = { namespace: ['cluster'] };

test('a store goes from being alone to a cluster, back, and to another cluster, with all its memories', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const folder = cluster.folderOf('one');
  const alone = await openFolder(folder);
  await alone.admin.remember('alone', { ...place, idempotencyKey: 'first' });
  await alone.close();

  const one = await cluster.found('one');
  await one.admin.remember('in a cluster', place);
  const { cluster: first } = await one.cluster.status();
  const copy = cluster.folderOf('copy');
  await one.backup(copy);
  await cluster.close('one');

  expect(leaveCluster(folder)).toBe(true);
  expect(existsSync(join(folder, 'raft'))).toBe(false);
  const again = await openFolder(folder);
  await again.admin.remember('alone again', place);
  const repeated = await again.admin.remember('alone', { ...place, idempotencyKey: 'first' });
  expect(repeated.outcome).toBe('duplicate');
  expect(await again.admin.count()).toBe(3);
  await again.close();

  const other = await cluster.found('one');
  const { cluster: second, members } = await other.cluster.status();
  expect(second).not.toBe(first);
  expect(members).toHaveLength(1);
  const joined = await cluster.join('two');
  expect(await joined.admin.count({ consistency: 'linearizable' })).toBe(3);
  const epochs = await joined.audit.query({ action: 'epoch' });
  expect(epochs.items).toHaveLength(1);

  // A backup of a member belongs to no cluster.
  const backup = await openFolder(copy);
  expect(await backup.admin.count()).toBe(2);
});
