import { createHash } from 'node:crypto';
import { chmodSync, closeSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import type { StoreCluster } from '../domain/cluster-membership';
import { MemoryError } from '../domain/errors';
import { openSqlite } from '../sqlite/open-sqlite';
import { syncFolder } from '../sqlite/sync-folder';
import type { Checksum } from '../state/tables/checksum';
import { ClusterMemberships } from '../state/tables/cluster-membership';
import { assertStoreSchema } from '../state/tables/expected-schema';
import { LogPositions } from '../state/tables/log-position';
import { migrate } from '../state/tables/migrations';
import { chunkBytes, type SnapshotManifest } from './snapshot-manifest';

/** The place in the log that a snapshot stands for. */
export interface SnapshotPlace {
  readonly index: number;
  readonly term: number;
}

/** A snapshot of the state of a node. */
export interface StateSnapshot extends SnapshotPlace {
  /** The members as of the snapshot. */
  readonly membership: StoreCluster;
  readonly manifest: SnapshotManifest;
}

export interface SnapshotFilesOptions {
  /** Must exist. */
  readonly folder: string;
  readonly checksum: Checksum;
}

// Copying this many pages takes a few milliseconds. Other calls run between two turns.
const pagesPerTurn = 1_000;
const maxKept = 2;
/** While a snapshot is installed, the database and its write-ahead log each take as much as the snapshot. */
const neededRoom = 2.2;
const privateFileMode = 0o600;
const unfinished = 'next.db.new';
const fileName = /^(\d+)-(\d+)\.db$/;

/**
 * The snapshots of a node's state: copies of the database, in a folder of their own. They never contain the audit of reads and the vector
 * index, which each node has for itself.
 */
export class SnapshotFiles {
  readonly #folder: string;
  readonly #checksum: Checksum;

  constructor({ folder, checksum }: SnapshotFilesOptions) {
    this.#folder = folder;
    this.#checksum = checksum;
  }

  pathOf({ index, term }: SnapshotPlace): string {
    return join(this.#folder, `${index}-${term}.db`);
  }

  /**
   * Copies the state while reads and writes go on. The file is complete and on disk when it gets its name. Older snapshots beyond the
   * one before are removed.
   *
   * @throws DISK_FULL, CLUSTER_MISMATCH if the store belongs to no cluster
   */
  async make(database: Database): Promise<StateSnapshot> {
    const part = join(this.#folder, unfinished);
    try {
      removeDatabase(part);
      createPrivate(part);
      await database.backup(part, { progress: () => pagesPerTurn });
      const { position, membership } = this.#closed(part);
      const { bytes, chunks } = await hashed(part, true);
      const place = { index: position.index, term: position.term };
      renameSync(part, this.pathOf(place));
      syncFolder(this.#folder);
      this.#removeOld();
      return { ...place, membership, manifest: { bytes, chunks, digest: position.digest } };
    } catch (error) {
      removeDatabase(part);
      throw error;
    }
  }

  /**
   * Checks that the file of a snapshot is the one that the manifest describes.
   *
   * @throws RECORD_DAMAGED; FILE_FAILED if it cannot be read
   */
  async verify(place: SnapshotPlace, { bytes, chunks }: SnapshotManifest): Promise<void> {
    const path = this.pathOf(place);
    const found = await hashed(path, false);
    if (found.bytes === bytes && found.chunks.every((chunk, i) => chunk === chunks[i])) return;
    throw new MemoryError('RECORD_DAMAGED', `The snapshot ${path} is damaged. Remove it: the node gets another one.`);
  }

  /**
   * Replaces the content of a database by that of a snapshot, in one transaction. Readers of the database go on, and see the new content in
   * their next transaction. A crash leaves the old content or the new.
   *
   * @throws RECORD_DAMAGED, STORE_NEWER; DISK_FULL, and then nothing has changed
   */
  async install(place: SnapshotPlace, manifest: SnapshotManifest, database: Database): Promise<void> {
    await this.#assertRoom(manifest.bytes);
    await this.verify(place, manifest);
    const path = this.pathOf(place);
    const source = openSqlite(path, { readonly: true, fileMustExist: true });
    try {
      assertStoreSchema(source, path);
      await source.backup(database.name, { progress: () => pagesPerTurn });
    } finally {
      source.close();
    }
    migrate(database);
    this.#removeOld();
  }

  /** The newest snapshot that is there. Undefined if there is none. */
  newest(): SnapshotPlace | undefined {
    return this.#places()[0];
  }

  async #assertRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder);
    const room = bavail * bsize;
    const needed = Math.ceil(bytes * neededRoom);
    if (room >= needed) return;
    const message = `The disk is full: installing a snapshot needs ${needed} bytes, and ${room} are free. Nothing was changed. Free some space.`;
    throw new MemoryError('DISK_FULL', message);
  }

  /** Reads the place of a copy, and makes one file of it that SQLite can open without a write-ahead log. */
  #closed(path: string) {
    const copy = openSqlite(path);
    try {
      copy.pragma('journal_mode = DELETE');
      const position = new LogPositions(copy).get();
      const membership = new ClusterMemberships(copy, this.#checksum).get();
      if (membership !== undefined) return { position, membership };
    } finally {
      copy.close();
    }
    throw new MemoryError('CLUSTER_MISMATCH', 'Only the store of a cluster has snapshots. This store is alone.');
  }

  /** Removes the snapshots before the newest one, which may hold what was forgotten since. */
  removeOlder(): void {
    this.#removeOld(1);
  }

  #removeOld(kept = maxKept): void {
    for (const place of this.#places().slice(kept)) removeDatabase(this.pathOf(place));
  }

  /** Newest first. */
  #places(): SnapshotPlace[] {
    const places = readdirSync(this.#folder).flatMap((name) => {
      const [, index, term] = fileName.exec(name) ?? [];
      return index === undefined ? [] : [{ index: Number(index), term: Number(term) }];
    });
    return places.sort((a, b) => b.index - a.index || b.term - a.term);
  }
}

/** Hashes a file chunk by chunk, in turns of the event loop. */
async function hashed(path: string, syncs: boolean): Promise<{ bytes: number; chunks: string[] }> {
  const file = await open(path, syncs ? 'r+' : 'r');
  try {
    if (syncs) await file.datasync();
    const chunks: string[] = [];
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let bytes = 0; ; ) {
      const length = await readChunk(file, buffer, bytes);
      if (length > 0) chunks.push(createHash('sha256').update(buffer.subarray(0, length)).digest('hex'));
      bytes += length;
      if (length < chunkBytes) return { bytes, chunks };
    }
  } finally {
    await file.close();
  }
}

async function readChunk(file: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

function createPrivate(path: string): void {
  closeSync(openSync(path, 'wx', privateFileMode));
  // The umask may have removed permissions from the user.
  chmodSync(path, privateFileMode);
}

function removeDatabase(path: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true });
}
