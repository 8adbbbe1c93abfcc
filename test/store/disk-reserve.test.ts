import { randomFillSync } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryError, MemoryStore } from 'multi-agent-memory';
import { beforeEach, expect, test, vi } from 'vitest';
import { DiskReserve, releaseReserve } from '../../src/store/composition/disk-reserve';
import { temporaryFolder } from './stores';

const pieceBytes = 2 ** 20;

let folder: string;
let randomBytes: ReturnType<typeof vi.fn<(length: number) => Uint8Array>>;
let warn: ReturnType<typeof vi.fn<(message: string) => void>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  randomBytes = vi.fn((length: number) => randomFillSync(new Uint8Array(length)));
  warn = vi.fn();
});

const reserveIn = (within: string) => new DiskReserve(within, { randomBytes, logger: { warn } });
const full = new MemoryError('DISK_FULL', 'The disk is full.');

function commit(reserve: DiskReserve, times: number): void {
  for (let i = 0; i < times; i++) {
    expect(reserve.ensure()).toBe(true);
    reserve.committed();
  }
}

test('a reserve that cannot be written for another reason than a full disk is tried again after 1,024 commits', () => {
  const reserve = reserveIn(join(folder, 'missing'));
  commit(reserve, 1_000);
  expect(randomBytes).toHaveBeenCalledTimes(1);
  commit(reserve, 100);
  expect(randomBytes).toHaveBeenCalledTimes(2);
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('cannot be written (ENOENT'));
});

test('a reserve is known by its first bytes, and removed on a full disk', () => {
  reserveIn(folder);
  const path = join(folder, 'memory.reserve');
  expect(statSync(path).size).toBe(pieceBytes);
  expect(readFileSync(path, 'latin1')).toMatch(/^multi-agent-memory: /);
  commit(reserveIn(folder), 10);
  expect(statSync(path).size).toBe(pieceBytes);
  expect(releaseReserve(folder, full)).toBe(true);
  expect(releaseReserve(folder, full)).toBe(false);
  expect(warn).not.toHaveBeenCalled();
});

test('a file of another program with the name of the reserve stays as it is', async () => {
  const path = join(folder, 'memory.reserve');
  writeFileSync(path, 'mine');
  const store = await MemoryStore.open(folder, { logger: { warn } });
  await store.admin.remember('note', { namespace: ['support'], embed: false });
  await store.close();
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('belongs to another program'));
  const reserve = reserveIn(folder);
  reserve.release();
  commit(reserve, 10);
  expect(releaseReserve(folder, full)).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('mine');
});
