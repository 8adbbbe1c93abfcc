import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  type ErasureReceipt,
  type MemoryStore,
  type OpenOptions,
  MemoryStore as Store,
  verifyReceipt,
} from '../../src/index';
import { temporaryFolder } from '../store/stores';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const audit = { signingKey: privateKey };
const namespace = ['support'];
const userId = 'customer-4417';

async function opened(folder?: string, options: OpenOptions = {}): Promise<MemoryStore> {
  const store = await Store.open(folder ?? (await temporaryFolder()), { audit, ...options });
  onTestFinished(() => store.close());
  return store;
}

const whole = { ok: true, complete: true, anchored: false, problems: [] };

test('erases a user and returns a receipt that a person with only the public key can verify', async () => {
  const store = await opened();
  const kept = await store.admin.remember('The office in Lisbon opens at nine.', { namespace });
  const about = await store.admin.remember('Zanzibar is where the honeymoon of the customer will be.', {
    namespace,
    userId,
    tags: ['honeymooner'],
    metadata: { voucher: 'quetzalcoatl-77' },
  });
  await store.admin.update(about.id, { text: 'Kilimanjaro is where the honeymoon of the customer will be instead.' });
  const plan = await store.erase({ userId }, { dryRun: true });
  expect(plan.about).toEqual([about.id]);
  expect(await store.receipts()).toEqual([]);
  const receipt = await store.erase({ userId }, { reason: 'Request 12', mentions: ['lisbon'] });
  expect(receipt).toMatchObject({ ids: [about.id], complete: true, number: 1, reason: 'Request 12' });
  expect(receipt.mentions).toEqual([kept.id]);
  expect(receipt.scan).toMatchObject({ basis: 'content', found: [] });
  expect(receipt.scan?.probes).toBeGreaterThan(10);
  expect(JSON.stringify(receipt)).not.toContain(userId);
  const copy = JSON.parse(JSON.stringify(receipt));
  expect(verifyReceipt(copy, { publicKey })).toEqual(whole);
  const [changes] = (await store.audit.checkpoint()).filter(({ chain }) => chain === 'changes');
  expect(verifyReceipt(copy, { publicKey, ...(changes && { checkpoint: changes }) }).problems).toEqual([]);
  expect(await store.receipts()).toEqual([copy]);
  expect((await store.admin.list()).items.map(({ id }) => id)).toEqual([kept.id]);
  expect((await store.audit.verify({ publicKey })).ok).toBe(true);
  expect((await store.verify()).ok).toBe(true);
});

test('lists every problem of a receipt that was changed', async () => {
  const store = await opened();
  const { id } = await store.admin.remember('A ledger about Timbuktu.', { namespace, userId });
  const receipt = await store.erase({ userId });
  const other = await store.admin.remember('Something else entirely.', { namespace });
  const problems = (change: (copy: ErasureReceipt) => unknown) => {
    const copy = structuredClone(receipt);
    change(copy);
    return verifyReceipt(copy, { publicKey }).problems;
  };
  expect(problems(() => undefined)).toEqual([]);
  const changed = 'The signature is not one of this key, or the receipt was changed.';
  expect(problems((copy) => copy.ids.push(other.id))).toEqual([
    changed,
    'It names more memories than it counts.',
    'The audit entries do not record the erasure of 1 of its memories.',
  ]);
  expect(problems((copy) => copy.withheld.push({ id, reason: 'legal-hold' }))).toEqual([
    changed,
    'It says that it is complete, and its parts say the opposite.',
  ]);
  expect(problems(({ audit: proof }) => proof?.entries[0]?.path.reverse())).toContain(changed);
  expect(
    problems(({ audit: proof }) => {
      for (const entry of proof?.entries ?? []) entry.body = entry.body.replace('"erase"', '"share"');
    }).length,
  ).toBeGreaterThan(2);
  const { signature: _, ...unsigned } = receipt;
  expect(verifyReceipt(unsigned, { publicKey }).problems).toEqual([
    'It is not signed: the store that made it has no `audit.signingKey`.',
  ]);
  expect(verifyReceipt({ ...receipt, scan: { files: -1 }, at: 3 }, { publicKey }).problems.length).toBeGreaterThan(3);
  expect(verifyReceipt('no', { publicKey }).ok).toBe(false);
  const stranger = generateKeyPairSync('ed25519').publicKey;
  expect(verifyReceipt(receipt, { publicKey: stranger }).problems).toEqual([
    changed,
    'Its checkpoint is not signed with this key.',
  ]);
  expect(() => verifyReceipt(receipt, { publicKey: 'no key' })).toThrow('Ed25519');
});

test('completes a receipt by itself when the last of two legal holds ends', async () => {
  const store = await opened();
  const texts = [
    'Marrakesh is in the first file.',
    'Ouagadougou is in the second file.',
    'Antananarivo is in the third.',
  ];
  const ids: string[] = [];
  for (const [i, text] of texts.entries())
    ids.push((await store.admin.remember(text, { namespace, userId, tags: i === 0 ? ['lawsuit'] : ['other'] })).id);
  const holds = [
    await store.hold({ matter: 'a', selection: { tags: ['lawsuit'] } }),
    await store.hold({ matter: 'b', selection: { tags: ['lawsuit'] } }),
  ];
  const receipt = await store.erase({ userId });
  expect(receipt).toMatchObject({ complete: false, withheld: [{ id: ids[0], reason: 'legal-hold' }] });
  expect(verifyReceipt(receipt, { publicKey })).toEqual({ ...whole, complete: false });
  await store.releaseHold(holds[0] as string);
  expect((await store.receipts())[0]?.withheld.length).toBe(1);
  expect((await store.lifecycle.status()).erasures).toEqual({ running: 0, waiting: 1, complete: 0 });
  await store.releaseHold(holds[1] as string);
  await vi.waitFor(async () => expect((await store.receipts())[0]?.complete).toBe(true), 10_000);
  const [completed] = await store.receipts();
  expect(completed).toMatchObject({ id: receipt.id, withheld: [], scan: { found: [] } });
  expect(completed?.ids.toSorted()).toEqual(ids.toSorted());
  expect(verifyReceipt(completed, { publicKey })).toEqual(whole);
  expect((await store.lifecycle.status()).erasures).toEqual({ running: 0, waiting: 0, complete: 1 });
});

test('refuses a reason that names the subject, and a target of two kinds', async () => {
  const store = await opened();
  await expect(store.erase({ userId }, { reason: `Letter of ${userId}` })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    issues: [{ path: ['options', 'reason'] }],
  });
  await expect(store.erase({ userId, ids: [] } as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(store.erase({ namespace: [] })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  const nobody = await store.erase({ userId: 'nobody-at-all' });
  expect(nobody).toMatchObject({ ids: [], complete: true });
  expect(verifyReceipt(nobody, { publicKey })).toEqual(whole);
});

test('reports what a reader of an earlier state keeps in the log, and completes the receipt when it has ended', async () => {
  const folder = await temporaryFolder();
  const store = await opened(folder);
  await store.admin.remember('Thermopylae is where the first parcel went.', { namespace, userId });
  const reader = new BetterSqlite(join(folder, 'memory.db'), { readonly: true });
  reader.exec('begin');
  reader.prepare('select count(*) from memories').get();
  const receipt = await store.erase({ userId });
  expect(receipt.complete).toBe(false);
  expect(receipt.parts).toContainEqual({ part: 'database', state: 'pending', reason: expect.any(String) });
  expect(receipt.scan?.found.map(({ file }) => file)).toContain('memory.db-wal');
  expect(verifyReceipt(receipt, { publicKey })).toEqual({ ...whole, complete: false });
  reader.close();
  const completed = await store.erase({ userId });
  expect(completed).toMatchObject({ id: receipt.id, complete: true, scan: { basis: 'content', found: [] } });
  expect(await store.receipts()).toEqual([completed]);
});

test('erases through a connection, and again when the user has returned', async () => {
  const folder = await temporaryFolder();
  await opened(folder, { serve: true });
  const store = await Store.connect(folder);
  onTestFinished(() => store.close());
  const phases = new Set<string>();
  const erased: ErasureReceipt[] = [];
  for (const text of ['Samarkand is on the invoice.', 'Valparaiso is on the next invoice.']) {
    const { id } = await store.admin.remember(text, { namespace, userId });
    expect((await store.erase({ userId }, { dryRun: true })).about).toEqual([id]);
    const receipt = await store.erase({ userId }, { onProgress: ({ phase }) => phases.add(phase) });
    expect(receipt).toMatchObject({ ids: [id], complete: true });
    expect(verifyReceipt(receipt, { publicKey })).toEqual(whole);
    erased.push(receipt);
  }
  expect(erased.map(({ number }) => number)).toEqual([1, 2]);
  expect([...phases]).toEqual(['erase', 'purge', 'scan']);
  expect(await store.receipts()).toEqual(erased);
});
