import { MemoryError, type MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ColumnStore } from '../../src/state/read-model';
import { Words } from '../../src/state/tables/words';
import { alterDatabase } from '../faults/folders';
import { openFolder, temporaryFolder } from './stores';

const namespace = ['support'];

let store: MemoryStore;
let warn: ReturnType<typeof vi.fn<(message: string) => void>>;
let ids: string[];

/** Opens a store whose first memory is damaged. To forget it, the store must build the keyword index again. */
beforeEach(async () => {
  const folder = await temporaryFolder();
  const intact = await openFolder(folder);
  ids = [];
  for (let i = 0; i < 20; i++)
    ids.push((await intact.admin.remember(`Parcel ${i} is late.`, { namespace, embed: false })).id);
  await intact.close();
  alterDatabase(folder, (database) => {
    database.prepare('update memories set priority = 0.123 where id = ?').run(ids[0]);
  });
  warn = vi.fn<(message: string) => void>();
  store = await openFolder(folder, { logger: { warn } });
});

function failOnce(error: MemoryError) {
  const rebuild = vi.spyOn(Words.prototype, 'rebuild').mockImplementationOnce(() => {
    throw error;
  });
  onTestFinished(() => rebuild.mockRestore());
  return rebuild;
}

const lateParcels = async () =>
  (await store.admin.recall('late', { mode: 'keyword', topK: 50 })).map(({ id }) => id).sort();

describe('the forget of a damaged memory, if the repair of the keyword index fails after its commit,', () => {
  test.each(['STORE_BUSY', 'DISK_FULL'] as const)(
    'succeeds and is applied once (%s), and the next write repairs the index',
    async (code) => {
      const rebuild = failOnce(new MemoryError(code, 'The words cannot be written.', { retryable: true }));
      expect(await store.admin.forget(ids[0] as string)).toBe(true);
      expect(rebuild).toHaveBeenCalledTimes(1);
      const { items } = await store.audit.query({ action: 'forget' });
      expect(items).toHaveLength(1);
      expect(warn).toHaveBeenCalledWith(expect.stringContaining('after a commit'), expect.anything());
      const { id } = await store.admin.remember('This one is late too.', { namespace, embed: false });
      expect(await lateParcels()).toEqual([...ids.slice(1), id].sort());
      expect(await store.verify()).toEqual({ ok: true, problems: [] });
    },
  );

  test('lets close() repair the index if no write follows', async () => {
    const rebuild = failOnce(new MemoryError('STORE_BUSY', 'Another program locks it.', { retryable: true }));
    await store.admin.forget(ids[0] as string);
    await store.close();
    expect(rebuild).toHaveBeenCalledTimes(2);
  });
});

describe('a write whose values cannot be taken over into RAM', () => {
  beforeEach(() => store.admin.forget(ids[0] as string));

  function failing(times: number) {
    const apply = vi.spyOn(ColumnStore.prototype, 'apply');
    for (let i = 0; i < times; i++) {
      apply.mockImplementationOnce(() => {
        throw new RangeError('Array buffer allocation failed');
      });
    }
    onTestFinished(() => apply.mockRestore());
    return apply;
  }

  test('succeeds, and is read from the tables', async () => {
    failing(1);
    const { id } = await store.admin.remember('This one is late too.', { namespace, embed: false });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('after a commit'), expect.anything());
    expect(await lateParcels()).toEqual([...ids.slice(1), id].sort());
    failing(1);
    await store.admin.forget(id);
    expect(await lateParcels()).toEqual(ids.slice(1).sort());
    expect(await store.admin.count()).toBe(ids.length - 1);
  });

  test('is never left out: reads fail until the tables can be read', async () => {
    failing(3);
    const { id } = await store.admin.remember('This one is late too.', { namespace, embed: false });
    await expect(lateParcels()).rejects.toThrow('allocation failed');
    expect(await lateParcels()).toEqual([...ids.slice(1), id].sort());
  });
});
