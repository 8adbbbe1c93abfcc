import { expect, test } from 'vitest';
import { TestAuthority } from '../raft/transport/certificates';
import { codeOf } from '../store/stores';
import { ClusterOfFolders, settledRoles } from './cluster-of-folders';

const place = { namespace: ['cluster'] };

test('nodes with certificates of one authority are a cluster, and a node with one of another does not get in', async () => {
  const authority = new TestAuthority();
  const tlsFrom = (issuer: TestAuthority) => {
    const { key, cert } = issuer.issue({ names: ['127.0.0.1'] });
    return { tls: () => ({ key, cert, ca: authority.cert }) };
  };
  const cluster = await ClusterOfFolders.inTemporaryFolder({});
  const one = await cluster.open('one', { bootstrap: true, ...tlsFrom(authority) });
  await one.admin.remember('one', place);
  const join = [`127.0.0.1:${(await cluster.optionsOf('one')).listen.port}`];
  const two = await cluster.open('two', { join, ...tlsFrom(authority) });
  await settledRoles(one, 'voter', 'voter');
  await two.admin.remember('two', place);
  expect(await one.admin.count({ consistency: 'linearizable' })).toBe(2);
  const stranger = { join, ...tlsFrom(new TestAuthority()) };
  expect(await codeOf(() => cluster.open('three', stranger))).toBe('FORBIDDEN');
  expect((await one.cluster.status()).members).toHaveLength(2);
});
