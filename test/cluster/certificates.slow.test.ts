import { cpSync } from 'node:fs';
import { type ClusterOptions, MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { TestAuthority } from '../raft/transport/certificates';
import { openToAll, refusal, temporaryFolder } from '../store/stores';
import { ClusterOfFolders, freePort, settledRoles } from './cluster-of-folders';

const place = { namespace: ['cluster'] };

/** A logger that keeps the codes of refused connections. */
function codesLogger() {
  const codes: unknown[] = [];
  return {
    codes,
    logger: { warn: (_: string, details?: Readonly<Record<string, unknown>>) => codes.push(details?.code) },
  };
}

test('nodes with certificates of one authority form a cluster, and one of another authority cannot join', async () => {
  const [authority, stranger] = [new TestAuthority(), new TestAuthority()];
  const folder = await temporaryFolder();
  const open = async (name: string, issuer: TestAuthority, start: Partial<ClusterOptions>) => {
    const { codes, logger } = codesLogger();
    const issued = issuer.issue({ names: ['127.0.0.1'] });
    const port = await freePort();
    const cluster = {
      listen: { host: '127.0.0.1', port },
      tls: () => ({ ...issued, ca: issuer.cert }),
      waitMs: 10_000,
      ...start,
    };
    const store = await MemoryStore.open(`${folder}/${name}`, { access: openToAll, cluster, logger });
    return { store, port, codes };
  };
  const one = await open('one', authority, { bootstrap: true });
  const join = [`127.0.0.1:${one.port}`];
  const two = await open('two', authority, { join });
  await two.store.admin.remember('over TLS', place);
  expect(await one.store.admin.count({ consistency: 'linearizable' })).toBe(1);

  const other = await refusal(() => open('other', stranger, { join }));
  expect(other).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('certificate') });
  const plain = { secret: 'this is no certificate' };
  const without = { listen: { host: '127.0.0.1', port: await freePort() }, ...plain, join, waitMs: 500 };
  expect(await refusal(() => MemoryStore.open(`${folder}/plain`, { cluster: without }))).toMatchObject({
    code: 'NO_QUORUM',
  });
  expect((await one.store.cluster.status()).members).toHaveLength(2);
  expect([...new Set(one.codes)]).toEqual(['UNAUTHENTICATED']);
  expect(two.codes).toEqual([]);
  await two.store.close();
  await one.store.close();
});

test('a copied folder of a node does not disturb the cluster, and the host is told', async () => {
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const { codes, logger } = codesLogger();
  const one = await cluster.open('one', { bootstrap: true }, { logger });
  await cluster.join('two');
  await settledRoles(one, 'voter', 'voter');
  await cluster.close('two');
  cpSync(cluster.folderOf('two'), cluster.folderOf('copy'), { recursive: true });
  const two = await cluster.open('two');
  await two.admin.remember('two', place);
  // Both have the same id and the same number of their start.
  const copy = await cluster.open('copy', { waitMs: 0 }).catch((error: unknown) => error);
  await expect.poll(() => codes, { timeout: 20_000 }).toContain('NODE_DUPLICATE');
  if (copy instanceof MemoryStore) await copy.close();
  await cluster.close('two');
  const again = await cluster.open('two');
  await again.admin.remember('again', place);
  expect(await one.admin.count({ consistency: 'linearizable' })).toBe(2);
});
