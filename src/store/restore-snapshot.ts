import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { assertAuditOrEmpty } from '../audit/audit-database';
import type { LongCallOptions, Time } from '../domain/calls';
import { invalidInput, MemoryError } from '../domain/errors';
import { fields, flag, folderShape, parseAll, present, progressListener, signal, time } from '../domain/parse/shapes';
import { openSqlite } from '../sqlite/open-sqlite';
import { fromSqlite } from '../sqlite/sqlite';
import { syncFolder } from '../sqlite/sync-folder';
import { checkedDatabase } from '../state/tables/database';
import { auditFile, databaseFile, restoreFolder } from './composition/file-names';
import { makeFile, makeFolder } from './composition/folder-privacy';
import type { Snapshot } from './snapshot';
import { readSnapshotFile, type SnapshotHeader, type SnapshotProgress } from './snapshot-file';
import { type SnapshotKey, snapshotKey } from './snapshot-key';
import { reporter, snapshotOf, snapshotsIn } from './snapshots';

/** Options of `restoreSnapshot`. */
export interface RestoreOptions extends LongCallOptions {
  /** The key with which the snapshot was encrypted. A snapshot that is not encrypted is refused if there is a key. */
  encryptionKey?: SnapshotKey;
  /** If `from` is a folder: the newest snapshot that was made at this time or before is restored. Default: the newest. */
  at?: Time;
  /** Checks every byte of the snapshot and the folder, and writes nothing. Default: false. */
  dryRun?: boolean;
}

const optionsShape = fields({
  encryptionKey: present(snapshotKey),
  at: present(time),
  dryRun: flag.optional(),
  signal: signal.optional(),
  onProgress: progressListener.optional(),
});

type ParsedRestoreOptions = z.output<typeof optionsShape>;

const privateFileMode = 0o600;
/** What a restore that was interrupted may have left. */
const leftovers = [databaseFile, auditFile, restoreFolder];

/** See `restoreSnapshot`. */
export async function restore(from: string | URL, to: string | URL, options: RestoreOptions = {}): Promise<Snapshot> {
  const [source, target, parsed] = parseAll(
    [folderShape, from, ['from']],
    [folderShape, to, ['to']],
    [optionsShape, options],
  );
  parsed.signal?.throwIfAborted();
  try {
    const file = await fileOf(source, parsed.at);
    const existed = existsSync(target);
    assertFree(target);
    if (parsed.dryRun === true) return await checked(file, parsed);
    try {
      return await restored(file, target, parsed);
    } catch (error) {
      removeLeftovers(target);
      if (!existed) rmSync(target, { recursive: true, force: true });
      throw error;
    }
  } catch (error) {
    throw fromSqlite(error);
  }
}

/** @throws INVALID_INPUT if there is no such snapshot, or if the folder contains snapshots of several stores */
async function fileOf(source: string, at: number | undefined): Promise<string> {
  if (!statSync(source).isDirectory()) {
    if (at === undefined) return source;
    throw invalidInput([{ path: ['at'], message: 'expected no time together with a file, got both.' }]);
  }
  const { whole, damaged } = await snapshotsIn(source);
  const stores = new Set(whole.map(({ head }) => head.header.store));
  const found = whole.find(({ head }) => at === undefined || head.header.at <= at);
  if (found !== undefined && stores.size === 1) return found.path;
  const reason =
    stores.size > 1
      ? 'which contains snapshots of several stores. Name the file of one snapshot'
      : `which has ${whole.length} whole and ${damaged.length} damaged snapshots${at === undefined ? '' : ', and none from that time or before'}`;
  throw invalidInput([{ path: ['from'], message: `expected a folder with a snapshot, got ${source}, ${reason}.` }]);
}

/** @throws INVALID_INPUT if the folder contains anything but what an interrupted restore has left */
function assertFree(folder: string): void {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const isInterrupted = names.includes(restoreFolder) && names.every((name) => leftovers.includes(name));
  if (names.length === 0 || isInterrupted) return;
  throw invalidInput([
    { path: ['to'], message: 'expected an empty folder, got one with files. A restore never overwrites files.' },
  ]);
}

async function checked(file: string, options: ParsedRestoreOptions): Promise<Snapshot> {
  return snapshotOf(
    file,
    await readSnapshotFile(file, options.encryptionKey, async () => undefined, progressOf(options)),
  );
}

function progressOf({ signal, onProgress }: ParsedRestoreOptions): SnapshotProgress {
  return { signal, onBytes: reporter('restore', onProgress) };
}

async function restored(file: string, folder: string, options: ParsedRestoreOptions): Promise<Snapshot> {
  const work = join(folder, restoreFolder);
  makeFolder(folder, false);
  removeLeftovers(folder);
  makeFolder(work, false);
  syncFolder(folder);
  await assertRoom(folder, statSync(file).size);
  const unpacked = new UnpackedFiles(work);
  try {
    const take = (content: Uint8Array, header: SnapshotHeader) => unpacked.take(content, header);
    const head = await readSnapshotFile(file, options.encryptionKey, take, progressOf(options));
    await unpacked.end();
    assertOpens(work);
    // While the folder for unpacking is there, no process opens the store.
    for (const name of [databaseFile, auditFile]) renameSync(join(work, name), join(folder, name));
    syncFolder(folder);
    rmSync(work, { recursive: true });
    syncFolder(folder);
    return snapshotOf(file, head);
  } finally {
    await unpacked.close();
  }
}

/** The folder for unpacking is removed last, so that no process takes the rest for a store. */
function removeLeftovers(folder: string): void {
  for (const name of leftovers) rmSync(join(folder, name), { recursive: true, force: true });
}

/** @throws DISK_FULL */
async function assertRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const message = `The disk of ${folder} is too full: the snapshot needs ${bytes} bytes, and ${free} are free. Nothing was restored. Free some space.`;
  throw new MemoryError('DISK_FULL', message);
}

/** @throws RECORD_DAMAGED, STORE_NEWER, INVALID_INPUT if a database is not one of a store */
function assertOpens(folder: string): void {
  const database = checkedDatabase(openSqlite(join(folder, databaseFile), { readonly: true, fileMustExist: true }));
  database.close();
  const accesses = openSqlite(join(folder, auditFile), { readonly: true, fileMustExist: true });
  try {
    assertAuditOrEmpty(accesses);
  } finally {
    accesses.close();
  }
}

/** The databases of a snapshot, which are written while it is read. */
class UnpackedFiles {
  readonly #folder: string;
  #file: FileHandle | undefined;
  #index = -1;
  /** The number of bytes that the current file still lacks. */
  #missing = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async take(content: Uint8Array, { files }: SnapshotHeader): Promise<void> {
    for (let rest = content; rest.length > 0; ) {
      while (this.#missing === 0) await this.#next(files);
      const part = rest.subarray(0, this.#missing);
      await this.#file?.writeFile(part);
      this.#missing -= part.length;
      rest = rest.subarray(part.length);
    }
  }

  /** Resolves when everything is on disk. */
  async end(): Promise<void> {
    await this.#file?.sync();
    await this.close();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #next(files: SnapshotHeader['files']): Promise<void> {
    await this.end();
    const { name, bytes } = files[++this.#index] as SnapshotHeader['files'][number];
    const path = join(this.#folder, name);
    makeFile(path, false);
    this.#file = await open(path, 'w', privateFileMode);
    this.#missing = bytes;
  }
}
