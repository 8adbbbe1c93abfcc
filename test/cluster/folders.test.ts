import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryStore } from 'multi-agent-memory';
import { expect, onTestFinished, test } from 'vitest';
import { startStopwatch } from '../../src/environment/timers';
import { words } from '../reembedding/spaces';
import { openFolder, refusal } from '../store/stores';
import { ClusterOfFolders, settledRoles } from './cluster-of-folders';

const place = { namespace: ['cluster'] };

test('three nodes hold the same, what was there before and what is written on each of them', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const before = await openFolder(cluster.folderOf('one'));
  await before.admin.remember('written before the cluster', place);
  await before.close();

  const one = await cluster.found('one');
  const events: unknown[] = [];
  one.on('member', ({ change }) => events.push(change));
  const two = await cluster.join('two');
  const three = await cluster.join('three', 'learner');
  await two.admin.remember('written on the second', place);
  const position = await two.position();
  await three.admin.remember('written on the learner', place);
  expect(await three.admin.count({ consistency: { after: position } })).toBe(3);
  for (const node of [one, two, three]) expect(await node.admin.count({ consistency: 'linearizable' })).toBe(3);

  await settledRoles(one, 'voter', 'voter', 'learner');
  expect(events).toEqual(['added', 'promoted', 'added']);
  const { members } = await three.cluster.compare();
  expect(members.map(({ state }) => state)).toEqual(['equal', 'equal', 'equal']);
  for (const node of [one, two, three]) expect((await node.audit.verify()).ok).toBe(true);
});

test('a member is opened again with the same options, and a folder that belongs to none needs to know what to do', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const one = await cluster.found('one');
  await one.admin.remember('one', place);
  const { cluster: id } = await one.cluster.status();
  await cluster.close('one');
  const again = await cluster.found('one');
  expect(await again.cluster.status()).toMatchObject({ cluster: id, role: 'leader', members: [{ role: 'voter' }] });
  expect(await again.admin.count()).toBe(1);

  const none = await refusal(() => cluster.open('two'));
  expect(none).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('`bootstrap: true`') });
  const own = await openFolder(cluster.folderOf('three'));
  await own.admin.remember('mine', place);
  await own.close();
  const full = await refusal(() => cluster.join('three'));
  expect(full).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('memories of its own') });
  for (const name of ['two', 'three']) expect(existsSync(join(cluster.folderOf(name), 'raft'))).toBe(false);
  const kept = await openFolder(cluster.folderOf('three'));
  expect(await kept.admin.count()).toBe(1);
  expect(existsSync(join(cluster.folderOf('three'), 'memory.db'))).toBe(true);
});

test('a node with another secret is refused at once, and its folder is free for another use', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  await cluster.found('one');
  const members = [`127.0.0.1:${(await cluster.optionsOf('one')).listen.port}`];
  const elapsedMs = startStopwatch();
  const other = { join: members, secret: 'another secret than that', waitMs: 60_000 };
  const refused = await refusal(() => cluster.open('two', other));
  expect(refused).toMatchObject({ code: 'FORBIDDEN', retryable: false });
  expect(refused.message).toMatch(/secret/);
  expect(refused.message).not.toContain(other.secret);
  expect(elapsedMs()).toBeLessThan(30_000);
  expect(existsSync(join(cluster.folderOf('two'), 'raft'))).toBe(false);
  const two = await cluster.open('two', { join: members });
  await two.admin.remember('two', place);
});

test('a node that finds no cluster says so, and joins when it is tried again', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const { listen } = await cluster.optionsOf('one');
  const join = [`127.0.0.1:${listen.port}`];
  const alone = await refusal(() => cluster.open('two', { join, waitMs: 0 }));
  expect(alone).toMatchObject({
    code: 'NO_QUORUM',
    retryable: true,
    message: expect.stringContaining(`${listen.port}`),
  });
  await cluster.found('one');
  const two = await cluster.open('two', { join });
  await two.admin.remember('two', place);
});

test('a process that only reads the folder of a node answers the host alone, and promises nothing of the other nodes', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const before = await openFolder(cluster.folderOf('one'));
  await before.admin.remember('one', place);
  await before.close();
  const reader = await MemoryStore.open(cluster.folderOf('one'), { readOnly: true });
  onTestFinished(() => reader.close());
  const agent = reader.as({ agentId: 'agent' }, place);
  expect(await agent.count()).toBe(1);
  await cluster.found('one');
  expect(await reader.admin.count()).toBe(1);
  expect(await reader.admin.count({ consistency: 'local' })).toBe(1);
  expect(await refusal(() => agent.count())).toMatchObject({ code: 'FORBIDDEN' });
  const latest = await refusal(() => reader.admin.count({ consistency: 'linearizable' }));
  expect(latest).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('MemoryStore.connect') });
});

test('every node removes its index of a space that one node has dropped, also if it was closed meanwhile', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const one = await cluster.open('one', { bootstrap: true }, { embedder: words('first') });
  const { listen } = await cluster.optionsOf('one');
  const second = () =>
    cluster.open('two', { role: 'learner', join: [`127.0.0.1:${listen.port}`] }, { embedder: words('second') });
  await one.admin.remember('a memory', place);
  await one.reembed(words('second'));
  const two = await second();
  const index = join(cluster.folderOf('two'), 'index');
  const makeIndex = () => {
    mkdirSync(index, { recursive: true });
    writeFileSync(join(index, 'manifest.json'), '{}');
  };
  makeIndex();
  await two.admin.count({ consistency: 'linearizable' });
  expect(existsSync(index)).toBe(true);
  await one.dropUnusedSpaces();
  await expect.poll(() => existsSync(index), { timeout: 5_000 }).toBe(false);
  await cluster.close('two');
  makeIndex();
  await second();
  await expect.poll(() => existsSync(index), { timeout: 5_000 }).toBe(false);
});

test('a node whose clock is wrong takes no writes until it is right, and the others do', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const one = await cluster.found('one');
  const clock = { ahead: 3_600_000, now: () => Date.now() + clock.ahead };
  const warnings: string[] = [];
  const logger = { warn: (message: string) => warnings.push(message) };
  const { listen } = await cluster.optionsOf('one');
  const start = { role: 'learner', join: [`127.0.0.1:${listen.port}`], maxClockSkewMs: 60_000 } as const;
  const two = await cluster.open('two', start, { clock, logger });
  expect(await refusal(() => two.admin.remember('two', place))).toMatchObject({ code: 'CLOCK_SKEWED' });
  expect(await refusal(() => two.admin.access.allow('everyone', 'reader', []))).toMatchObject({ code: 'CLOCK_SKEWED' });
  expect(warnings).toEqual([expect.stringContaining('ahead of')]);
  expect((await two.cluster.status()).clockSkewMs).toBeGreaterThan(1_700_000);
  await one.admin.remember('one', place);
  expect(await two.admin.count({ consistency: 'linearizable' })).toBe(1);
  await cluster.close('two');
  clock.ahead = 0;
  const again = await cluster.open('two', {}, { clock });
  await again.admin.remember('two', place);
  expect(await one.admin.count({ consistency: 'linearizable' })).toBe(2);
});
