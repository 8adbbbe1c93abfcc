import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { allow, MemoryStore } from 'multi-agent-memory';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Audit } from '../../src/audit/audit';
import { StoreServer } from '../../src/connect/store-server';
import { markTextFailure } from '../../src/providers/text-failure';
import { secondCopy } from './copies';
import { temporaryFolder } from './stores';

afterEach(() => vi.resetModules());

const namespace = ['support'];

describe('two copies of the library in one process', () => {
  test("share a folder, so each sees the other's writes immediately", async () => {
    const folder = await temporaryFolder();
    const first = await MemoryStore.open(folder);
    const copy = await secondCopy();
    expect(copy.MemoryStore).not.toBe(MemoryStore);
    const second = await copy.MemoryStore.open(folder);
    const { id } = await first.admin.remember('The refund goes to the card.', { namespace });
    expect((await second.admin.get(id))?.text).toBe('The refund goes to the card.');
    await second.admin.update(id, { text: 'The refund goes to the account.' });
    expect((await first.admin.recall('refund', {}))[0]?.text).toBe('The refund goes to the account.');
    await first.close();
    expect(await second.admin.forget(id)).toBe(true);
    expect(existsSync(join(folder, 'holder.json'))).toBe(true);
    await second.close();
    expect(existsSync(join(folder, 'holder.json'))).toBe(false);
  });

  test('share the rules of the folder: the rules passed to the later open apply to both', async () => {
    const folder = await temporaryFolder();
    const first = await MemoryStore.open(folder, { access: [allow('everyone', 'reader', namespace)] });
    const copy = await secondCopy();
    const second = await copy.MemoryStore.open(folder, { access: [copy.allow('everyone', 'writer', namespace)] });
    const { id } = await first.as({ agentId: 'a' }).remember('The refund.', { namespace });
    expect((await second.as({ agentId: 'b' }).get(id))?.text).toBe('The refund.');
    await second.close();
    await first.close();
  });

  test('wait for each other when one of them closes the folder', async () => {
    const folder = await temporaryFolder();
    const first = await MemoryStore.open(folder);
    const copy = await secondCopy();
    const closing = first.close();
    const second = await copy.MemoryStore.open(folder);
    await closing;
    await second.admin.remember('The refund.', { namespace });
    await second.close();
  });

  test('keep their errors apart: a failed close does not fail the open that waits for it', async () => {
    const folder = await temporaryFolder();
    const first = await MemoryStore.open(folder);
    await first.admin.remember('The refund.', { namespace });
    const copy = await secondCopy();
    let opening: Promise<MemoryStore> | undefined;
    const failure = failOnce(Audit.prototype, () => {
      opening = copy.MemoryStore.open(folder);
    });
    expect(await first.close().catch((thrown: unknown) => thrown)).toBe(failure);
    const second = (await opening) as MemoryStore;
    expect(await second.admin.count()).toBe(1);
    await second.close();
  });

  test('can connect to each other, if one serves the folder', async () => {
    const folder = await temporaryFolder();
    await using first = await MemoryStore.open(folder);
    const copy = await secondCopy();
    await using connected = await copy.MemoryStore.connect(folder, { takeOver: true });
    const { id } = await connected.admin.remember('The refund.', { namespace });
    expect((await first.admin.get(id))?.text).toBe('The refund.');
  });

  test("recognize each other's read-only stores, so that none of these counts as crashed", async () => {
    const folder = await temporaryFolder();
    await (await MemoryStore.open(folder)).close();
    await using reader = await MemoryStore.open(folder, { readOnly: true });
    await reader.admin.count();
    const copy = await secondCopy();
    await using other = await copy.MemoryStore.open(folder, { readOnly: true });
    const actions: string[] = [];
    for await (const entry of other.audit.query({ limit: 100 })) actions.push(entry.action);
    expect(actions).not.toContain('gap');
  });

  test("recognize each other's errors that a single text caused", async () => {
    vi.resetModules();
    const results = await vi.importActual<typeof import('../../src/providers/text-failure')>(
      '../../src/providers/text-failure',
    );
    const copy = await secondCopy();
    const error = new copy.MemoryError('EMBEDDING_FAILED', 'no');
    expect(results.isTextFailure(error as never)).toBe(false);
    expect(results.isTextFailure(markTextFailure(error as never))).toBe(true);
  });
});

test('a server that fails to close does not keep the folder locked', async () => {
  const folder = await temporaryFolder();
  const first = await MemoryStore.open(folder, { serve: true });
  const failure = failOnce(StoreServer.prototype);
  expect(await first.close().catch((thrown: unknown) => thrown)).toBe(failure);
  await (await MemoryStore.open(folder)).close();
});

describe('a thread that has the folder open', () => {
  test('is named in the error of a second open as this process, with advice on how to share the folder', async () => {
    const folder = await temporaryFolder();
    const thread = await holdInThread(folder);
    try {
      const error = await MemoryStore.open(folder).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'STORE_HELD' });
      expect(String(error)).toMatch(/which is this process.*connect\(folder, \{ takeOver: true \}\)/);
    } finally {
      await thread.terminate();
    }
  });
});

/** Makes the next call of `close` throw, after it has done its work. During the call, runs a function. */
function failOnce(closable: { close(): unknown }, meanwhile: () => void = () => undefined): Error {
  const failure = new Error('The disk is gone.');
  const { close } = closable;
  const spy = vi.spyOn(closable, 'close').mockImplementation(function (this: unknown) {
    spy.mockRestore();
    meanwhile();
    const result = close.call(this as never);
    if (result === undefined) throw failure;
    return Promise.resolve(result).then(() => Promise.reject(failure));
  });
  return failure;
}

/** A thread that locks the folder as a store does. */
async function holdInThread(folder: string): Promise<Worker> {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { join } = require('node:path');
    const Database = require('better-sqlite3');
    globalThis.lock = new Database(join(workerData, 'lock.db'));
    lock.exec('begin immediate');
    const name = { pid: process.pid, host: require('node:os').hostname() };
    require('node:fs').writeFileSync(join(workerData, 'holder.json'), JSON.stringify(name), { mode: 0o600 });
    parentPort.postMessage('held');
    setInterval(() => undefined, 1000);`;
  const thread = new Worker(source, { eval: true, workerData: folder });
  await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
  return thread;
}
