import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { SegmentStorage } from '../../src/raft/storage/segment-storage';
import { ClusterOfFolders, settledRoles } from './cluster-of-folders';

const place = { namespace: ['cluster'] };

/** The indexes of the snapshots of a node, in ascending order. */
function snapshotsOf(cluster: ClusterOfFolders, name: string): number[] {
  const names = readdirSync(join(cluster.folderOf(name), 'raft', 'snapshots'));
  const indexes = names.filter((each) => each.endsWith('.db')).map((each) => Number(each.split('-')[0]));
  return indexes.sort((a, b) => a - b);
}

test('a member that lacks what the others have dropped from their logs gets a snapshot, and goes on with the log', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const one = await cluster.found('one');
  await cluster.join('two');
  const three = await cluster.join('three');
  await settledRoles(one, 'voter', 'voter', 'voter');
  const kept = await three.admin.remember('Apples are kept in the cellar.', place);
  const gone = await three.admin.remember('Pears are kept in the cellar.', place);
  const rule = await one.admin.access.allow({ agentId: 'guest' }, ['read'], ['cluster']);
  expect(await three.as({ agentId: 'guest' }).get(kept.id, { consistency: 'linearizable' })).toBeDefined();
  const { applied } = await three.cluster.status();
  await cluster.close('three');

  await one.admin.forget(gone.id);
  await one.admin.access.end(rule.id);
  await one.admin.update(kept.id, { text: 'Apples are kept in the attic.' });
  for (let n = 0; n < 20; n++) await one.admin.remember(`Plums are kept in box ${n}.`, place);
  // The nodes look every ten seconds how long their logs are.
  const bytes = vi.spyOn(SegmentStorage.prototype, 'bytes', 'get').mockReturnValue(2 ** 30);
  onTestFinished(() => bytes.mockRestore());
  const newest = (name: string) => snapshotsOf(cluster, name).at(-1) ?? 0;
  await expect.poll(() => Math.min(newest('one'), newest('two'))).toBeGreaterThan(applied + 20);
  bytes.mockRestore();
  await one.admin.remember('Cherries are kept in the pantry.', place);

  const again = await cluster.open('three');
  expect(newest('three')).toBeGreaterThan(applied + 20);
  const read = { consistency: 'linearizable' } as const;
  expect(await again.admin.count(read)).toBe(22);
  expect((await again.admin.get(kept.id, read))?.text).toContain('attic');
  expect(await again.admin.get(gone.id)).toBeUndefined();
  expect(await again.admin.recall('pears', { mode: 'keyword' })).toEqual([]);
  expect((await again.admin.recall('where are cherries kept?'))[0]?.text).toContain('pantry');
  const guest = again.as({ agentId: 'guest' }, place);
  const changes = again.admin.watch({ since: 'now' })[Symbol.asyncIterator]();
  const next = changes.next();
  await again.admin.remember('Grapes are kept in the garage.', place);
  expect((await next).value?.memory?.text).toContain('Grapes');
  await changes.return?.();
  expect(await guest.count()).toBe(await one.as({ agentId: 'guest' }, place).count(read));
  const { members } = await again.cluster.compare();
  expect(members.map(({ state }) => state)).toEqual(['equal', 'equal', 'equal']);
  expect((await again.verify()).problems).toEqual([]);
});
