import { generateKeyPairSync } from 'node:crypto';
import { verifyReceipt } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { addSubject, leaks } from '../erasure/canaries';
import { ClusterOfFolders, settledRoles } from './cluster-of-folders';

test('a receipt of a cluster is complete only when each member has applied the erasure and its log begins after it', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const cluster = await ClusterOfFolders.inTemporaryFolder();
  const start = { snapshotEveryMs: 1_000 };
  const options = { audit: { signingKey: privateKey } };
  const one = await cluster.open('one', { bootstrap: true, ...start }, options);
  const join = [`127.0.0.1:${(await cluster.optionsOf('one')).listen.port}`];
  const two = await cluster.open('two', { join, ...start }, options);
  await settledRoles(one, 'voter', 'voter');
  const subject = await addSubject(one, 'subject', 'user');
  // Through the follower.
  let receipt = await two.erase(subject.target);
  const { id } = receipt;
  expect(receipt.members.map(({ id: member }) => member)).toHaveLength(2);
  expect(verifyReceipt(receipt, { publicKey }).ok).toBe(true);
  for (const store of [one, two])
    for (const each of subject.ids)
      expect(await store.admin.get(each, { consistency: 'linearizable' })).toBeUndefined();
  await expect
    .poll(
      async () => {
        receipt = await two.erase(subject.target);
        return [receipt.complete, receipt.members.map(({ state }) => state), receipt.scan?.found];
      },
      { timeout: 40_000, interval: 500 },
    )
    .toEqual([true, ['gone', 'gone'], []]);
  expect(receipt.id).toBe(id);
  expect(verifyReceipt(receipt, { publicKey })).toMatchObject({ ok: true, complete: true });
  expect(await one.receipts({})).toEqual([receipt]);
  // Another member writes its files again in the background, and takes away its former snapshot after it has told that its log begins later.
  const left = () => ['one', 'two'].map((name) => leaks(cluster.folderOf(name), [subject]));
  await expect.poll(left, { timeout: 20_000, interval: 250 }).toEqual([[], []]);
  expect((await one.cluster.compare()).members.map(({ state }) => state)).toEqual(['equal', 'equal']);
});
