import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inspectCluster, leaveCluster, MemoryError, MemoryStore, recoverCluster } from 'multi-agent-memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import { codeOf, openFolder, openToAll, refusal } from '../store/stores';
import { ClusterOfFolders, freePort, settledRoles } from './cluster-of-folders';

const place = { namespace: ['cluster'] };

async function idOf(store: MemoryStore): Promise<number> {
  return (await store.cluster.status()).id;
}

/** A cluster of two voters, with one memory. */
async function pair() {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const one = await cluster.found('one');
  await one.admin.remember('one', place);
  const two = await cluster.join('two');
  await settledRoles(one, 'voter', 'voter');
  return { cluster, one, two };
}

describe('a member that is removed', () => {
  test('learns it, keeps its folder, and no call but a local read is answered', async () => {
    const { cluster, one, two } = await pair();
    const stopped = new Promise<MemoryError>((resolve) => two.on('degraded', ({ error }) => resolve(error)));
    await one.cluster.remove(await idOf(two));
    expect((await stopped).code).toBe('NODE_REMOVED');
    expect(await codeOf(() => two.admin.remember('two', place))).toBe('NODE_REMOVED');
    expect(await codeOf(() => two.admin.count())).toBe('NODE_REMOVED');
    expect(await two.admin.count({ consistency: 'local' })).toBe(1);
    await one.admin.remember('alone again', place);
    await settledRoles(one, 'voter');
    await cluster.close('two');
    expect(leaveCluster(cluster.folderOf('two'))).toBe(true);
    const alone = await openFolder(cluster.folderOf('two'));
    expect(await alone.admin.count()).toBe(1);
  });

  test('is named by an id that a member has', async () => {
    const { one, two } = await pair();
    for (const id of [1, 0, Number.NaN]) expect(await codeOf(() => one.cluster.remove(id))).toBe('INVALID_INPUT');
    expect(await codeOf(() => one.cluster.promote(0))).toBe('INVALID_INPUT');
    const voter = await refusal(async () => one.cluster.promote(await idOf(two)));
    expect(voter.message).toContain('got that of a voter');
  });
});

test('the leadership moves to another voter, and calls go on', async () => {
  const { one, two } = await pair();
  const leaders: unknown[] = [];
  two.on('leader', ({ isThisNode }) => leaders.push(isThisNode));
  await one.cluster.transfer(await idOf(two));
  expect(await one.cluster.status()).toMatchObject({ role: 'follower', leader: await idOf(two) });
  expect(leaders).toContain(true);
  await one.admin.remember('two', place);
  expect(await two.admin.count({ consistency: 'linearizable' })).toBe(2);
});

test('a learner does not count for the majority, and a voter without a majority says so', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const one = await cluster.found('one');
  await cluster.join('two', 'learner');
  await settledRoles(one, 'voter', 'learner');
  await cluster.close('two');
  await one.admin.remember('without the learner', place);
  const three = await cluster.join('three');
  await settledRoles(three, 'voter', 'voter', 'learner');
  await cluster.close('three');
  const code = await codeOf(() => one.admin.remember('without a majority', { ...place, idempotencyKey: 'k' }));
  expect(['NO_QUORUM', 'OUTCOME_UNKNOWN']).toContain(code);
  expect(await codeOf(() => one.admin.count())).toBe('NO_QUORUM');
  expect(await one.admin.count({ consistency: 'local' })).toBe(1);
  await cluster.open('three');
  await one.admin.remember('without a majority', { ...place, idempotencyKey: 'k' });
  expect(await one.admin.count({ consistency: 'linearizable' })).toBe(2);
});

test('a node whose folder was lost joins again at its address, under another id, in place of the old one', async () => {
  const { cluster, one, two } = await pair();
  await cluster.join('three');
  await settledRoles(one, 'voter', 'voter', 'voter');
  const old = await idOf(two);
  await cluster.close('two');
  rmSync(cluster.folderOf('two'), { recursive: true });
  const again = await cluster.join('two');
  await settledRoles(one, 'voter', 'voter', 'voter');
  const { members } = await one.cluster.status();
  expect(members.map(({ id }) => id)).not.toContain(old);
  expect(await again.admin.count({ consistency: 'linearizable' })).toBe(1);
});

test('a node without its log does not start, so that it never forgets what it has acknowledged', async () => {
  const { cluster } = await pair();
  await cluster.close('two');
  rmSync(join(cluster.folderOf('two'), 'raft'), { recursive: true });
  const error = await refusal(() => cluster.open('two'));
  expect(error).toMatchObject({ code: 'LOG_REGRESSED', message: expect.stringContaining('join again') });
});

test('a node tells the others that it has another address', async () => {
  const { cluster, one } = await pair();
  await cluster.close('two');
  const port = await freePort();
  const two = await cluster.open('two', { listen: { host: '127.0.0.1', port } });
  const addresses = async () => (await one.cluster.status()).members.map(({ address }) => address);
  await expect.poll(addresses).toContain(`127.0.0.1:${port}`);
  await two.admin.remember('two', place);
  expect(await one.admin.count({ consistency: 'linearizable' })).toBe(2);
});

test('a backup of a member is a store of its own, and founds another cluster', async () => {
  const { cluster, one, two } = await pair();
  const { cluster: old } = await one.cluster.status();
  await two.backup(cluster.folderOf('copy'));
  const copy = await cluster.found('copy');
  expect(await copy.admin.count()).toBe(1);
  const { cluster: found, members } = await copy.cluster.status();
  expect(found).not.toBe(old);
  expect(members).toHaveLength(1);
});

test('two processes with copies of one folder do not both go on', async () => {
  const { cluster, one } = await pair();
  await cluster.close('two');
  cpSync(cluster.folderOf('two'), cluster.folderOf('clone'), { recursive: true });
  const two = await cluster.open('two');
  await two.admin.remember('two', place);
  const clone = await cluster.open('clone').catch((error: MemoryError) => error);
  const outcomes = await Promise.allSettled(
    [two, clone].map(async (store) => {
      if (MemoryError.is(store)) throw store;
      for (let n = 0; n < 20; n++) await store.admin.remember(`written by a copy ${n}`, place);
    }),
  );
  expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
  expect(await one.cluster.compare()).toMatchObject({
    members: [{ id: expect.any(Number) }, { id: expect.any(Number) }],
  });
});

test('the folder of the last node founds another cluster, with everything in its log', async () => {
  const { cluster, one, two } = await pair();
  await one.admin.remember('acknowledged', place);
  const { cluster: old, leader } = await one.cluster.status();
  if (leader !== (await idOf(one))) await two.cluster.transfer(await idOf(one));
  rmSync(cluster.folderOf('two'), { recursive: true });
  await cluster.close('two').catch(() => undefined);
  // It is in the log of the leader, and nobody can say any more whether another node has it.
  const unconfirmed = one.admin.remember('not acknowledged', place).catch(({ code }) => code);
  expect(['OUTCOME_UNKNOWN', 'NO_QUORUM']).toContain(await unconfirmed);
  await cluster.close('one');
  const report = await inspectCluster(cluster.folderOf('one'));
  expect(report.problems).toEqual([]);
  expect(await recoverCluster(cluster.folderOf('one'))).toEqual({
    cluster: old,
    applied: expect.any(Number),
    recovered: report.log?.lastIndex,
    unconfirmed: expect.any(Number),
  });
  const again = await cluster.found('one');
  expect(await again.admin.count({ filter: { text: { contains: 'acknowledged' } } })).toBeGreaterThanOrEqual(1);
  const { cluster: found, members } = await again.cluster.status();
  expect([found === old, members.length]).toEqual([false, 1]);
  const next = await cluster.join('two');
  expect(await next.admin.count({ consistency: 'linearizable' })).toBe(await again.admin.count());
  expect((await again.verify()).ok).toBe(true);
});

test('other processes of a machine use its node through a connection, and one of them can take it over', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const one = await cluster.open('one', { bootstrap: true }, { serve: true });
  const options = { access: openToAll, cluster: await cluster.optionsOf('one') };
  const other = await MemoryStore.connect(cluster.folderOf('one'), { takeOver: options, waitMs: 20_000 });
  onTestFinished(() => other.close());
  const two = await cluster.join('two');
  await settledRoles(one, 'voter', 'voter');
  await other.admin.remember('through the connection', place);
  const after = await other.position();
  expect(await two.admin.count({ consistency: { after } })).toBe(1);
  const { id } = await other.cluster.status();
  await cluster.close('one');
  await other.admin.remember('after the process of the node has ended', place);
  expect(await two.admin.count({ consistency: 'linearizable' })).toBe(2);
  expect((await other.cluster.status()).id).toBe(id);
});
