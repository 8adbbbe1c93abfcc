import { createServer } from 'node:net';
import { join } from 'node:path';
import { MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';
import { shell, values } from './shell';

const place = { namespace: ['support'] };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('cluster status asks the process that serves the folder, and cluster leave makes the folder a store of its own', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  const cluster = {
    listen: { host: '127.0.0.1', port: await freePort() },
    secret: 'only for this test',
    bootstrap: true,
  };
  const store = await openFolder(folder, { serve: true, cluster });
  await store.admin.remember('The refund goes to the card.', place);
  const { id } = await store.cluster.status();

  const status = await shell(['cluster', 'status', folder]);
  expect(status.code).toBe(0);
  expect(values(status)).toMatchObject([{ id, leader: id, role: 'leader', members: [{ id, role: 'voter' }] }]);
  const held = await shell(['cluster', 'leave', folder]);
  expect([held.code, held.errors[0]]).toEqual([1, expect.stringContaining('STORE_HELD')]);

  await store.close();
  const unserved = await shell(['cluster', 'status', folder]);
  expect([unserved.code, unserved.errors[0]]).toEqual([1, expect.stringContaining('serve')]);
  expect(values(unserved)).toMatchObject([{ served: false, identity: { node: id }, log: { firstIndex: 2 } }]);
  const none = await shell(['cluster', 'status', join(folder, 'none')]);
  expect(none).toMatchObject({ code: 1, out: [], errors: [expect.stringContaining('STORE_UNREACHABLE')] });
  await expect(MemoryStore.open(folder)).rejects.toMatchObject({ code: 'CLUSTER_MISMATCH' });

  const inspected = await shell(['cluster', 'inspect', folder]);
  expect(inspected).toMatchObject({ code: 0, errors: [] });
  expect(values(inspected)).toMatchObject([{ identity: { node: id }, log: { firstIndex: 2 }, problems: [] }]);

  const left = await shell(['cluster', 'leave', folder]);
  expect(left).toMatchObject({
    code: 0,
    out: ['{"left":true}'],
    errors: [expect.stringContaining('Remove this node')],
  });
  const again = await shell(['cluster', 'leave', folder]);
  expect(again).toMatchObject({ code: 1, out: ['{"left":false}'] });
  const gone = await shell(['cluster', 'inspect', folder]);
  expect([gone.code, gone.errors[0]]).toEqual([1, expect.stringContaining('There is no node in')]);
  const alone = await openFolder(folder);
  expect(await alone.admin.count()).toBe(1);
});

test('cluster recover makes the folder of the last node a store of its own, if it is told to give up the cluster', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  const cluster = {
    listen: { host: '127.0.0.1', port: await freePort() },
    secret: 'only for this test',
    bootstrap: true,
  };
  const store = await openFolder(folder, { cluster });
  await store.admin.remember('The refund goes to the card.', place);
  await store.close();
  const asked = await shell(['cluster', 'recover', folder]);
  expect([asked.code, asked.errors[0]]).toEqual([2, expect.stringContaining('--force-new-cluster')]);
  const recovered = await shell(['cluster', 'recover', folder, '--force-new-cluster']);
  expect(recovered).toMatchObject({ code: 0, errors: [expect.stringContaining('are lost')] });
  expect(values(recovered)).toMatchObject([{ cluster: expect.stringMatching(/^[0-9a-f]{32}$/), unconfirmed: 0 }]);
  expect(await shell(['cluster', 'recover', folder, '--force-new-cluster'])).toMatchObject({ code: 1, out: [] });
  const alone = await openFolder(folder);
  expect(await alone.admin.count()).toBe(1);
});

test('the commands of a cluster have two words, in the help and where one is misspelt', async () => {
  const { out } = await shell(['--help']);
  expect(out.join('\n')).toMatch(/^ {2}cluster status {2}/m);
  expect((await shell(['cluster', 'status', '--help'])).out.join('\n')).toContain(
    'Usage: multi-agent-memory cluster status FOLDER',
  );
  expect((await shell(['help', 'cluster', 'leave'])).out.join('\n')).toContain('cluster leave FOLDER');
  for (const words of [
    ['cluster', 'statis', './memory'],
    ['cluster', 'leav'],
  ]) {
    const { code, errors } = await shell(words);
    expect([code, errors[0]]).toEqual([2, expect.stringMatching(/Did you mean cluster (status|leave)\?/)]);
  }
  expect(await shell(['cluster'])).toMatchObject({
    code: 2,
    errors: [expect.stringContaining('Unknown command cluster')],
  });
});
