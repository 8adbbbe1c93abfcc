import { randomFillSync } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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

function follow(reserve: DiskReserve, times: number, logBytes = 0): void {
  for (let i = 0; i < times; i++) {
    expect(reserve.ensure()).toBe(true);
    reserve.follow(logBytes);
  }
}

test('a reserve that cannot be written for another reason than a full disk is tried again after a while', () => {
  const reserve = reserveIn(join(folder, 'missing'));
  follow(reserve, 120);
  expect(randomBytes).toHaveBeenCalledTimes(1);
  follow(reserve, 20);
  expect(randomBytes).toHaveBeenCalledTimes(2);
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('cannot be written (ENOENT'));
});

test('a reserve that was removed on a full disk is tried at once, also after it could not be written for another reason', () => {
  const fail = () => {
    throw new Error('Too many open files.');
  };
  randomBytes.mockImplementationOnce(fail);
  const reserve = reserveIn(folder);
  reserve.release();
  expect(reserve.isKept).toBe(false);
  expect(reserve.ensure()).toBe(true);
  expect(statSync(join(folder, 'memory.reserve')).size).toBe(pieceBytes);
  reserve.release();
  randomBytes.mockImplementationOnce(fail);
  expect(reserve.ensure()).toBe(true);
});

test('a reserve is known by its first bytes, and removed on a full disk', () => {
  reserveIn(folder);
  const path = join(folder, 'memory.reserve');
  expect(statSync(path).size).toBe(pieceBytes);
  expect(readFileSync(path, 'latin1')).toMatch(/^multi-agent-memory: /);
  follow(reserveIn(folder), 10);
  expect(statSync(path).size).toBe(pieceBytes);
  expect(releaseReserve(folder, full)).toBe(true);
  expect(releaseReserve(folder, full)).toBe(false);
  expect(warn).not.toHaveBeenCalled();
});

test('a reserve grows with the write-ahead log', async () => {
  const reserve = reserveIn(folder);
  const path = join(folder, 'memory.reserve');
  follow(reserve, 10, 3 * pieceBytes - 1);
  expect(statSync(path).size).toBe(3 * pieceBytes);
  const own = await temporaryFolder();
  await using store = await MemoryStore.open(own);
  const text = 'late parcel '.repeat(1_000);
  for (let i = 0; i < 200; i++) await store.admin.remember(`${i} ${text}`, { namespace: ['support'], embed: false });
  const logBytes = statSync(join(own, 'memory.db-wal')).size;
  expect(logBytes).toBeGreaterThan(2 * pieceBytes);
  expect(statSync(join(own, 'memory.reserve')).size).toBeGreaterThan(logBytes - pieceBytes);
});

test('a reserve of which only a part could be written is made anew with its mark', () => {
  const path = join(folder, 'memory.reserve');
  // The write itself cannot be made to fail on a disk with space.
  randomBytes.mockImplementationOnce(() => {
    writeFileSync(path, 'multi-agent-memory: ');
    throw full;
  });
  const reserve = reserveIn(folder);
  expect(reserve.isKept).toBe(false);
  expect(existsSync(path)).toBe(false);
  expect(reserve.ensure()).toBe(true);
  expect(statSync(path).size).toBe(pieceBytes);
  expect(readFileSync(path).toString('latin1', 0, 20)).toBe('multi-agent-memory: ');
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
  follow(reserve, 10);
  expect(releaseReserve(folder, full)).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('mine');
});
