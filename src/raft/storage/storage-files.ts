import fs, { type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, endedStorage, failedFile, fullDisk, isFull, unsafeFolder } from './storage-errors';

type Done = (error: Error | null) => void;

/** The calls of the file system that a storage makes. Tests replace some of them, to make them fail, wait or write only a part. */
export interface FileCalls {
  openSync(path: string, flags: number, mode?: number): number;
  closeSync(fd: number): void;
  fsyncSync(fd: number): void;
  fchmodSync(fd: number, mode: number): void;
  chmodSync(path: string, mode: number): void;
  lstatSync(path: string, options: { readonly throwIfNoEntry: false }): FileStatus | undefined;
  fstatSync(fd: number): FileStatus;
  mkdirSync(path: string, options: { readonly recursive: true; readonly mode: number }): string | undefined;
  renameSync(from: string, to: string): void;
  unlinkSync(path: string): void;
  statfsSync(path: string): { readonly bavail: number; readonly bsize: number };
  readdirSync(path: string): readonly string[];
  readSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  write(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void;
  fdatasync(fd: number, done: Done): void;
  fsync(fd: number, done: Done): void;
}

/** The part of `Stats` that a storage looks at. */
export type FileStatus = Pick<Stats, 'size' | 'uid' | 'mode' | 'isFile' | 'isDirectory' | 'isSymbolicLink'>;

/** How the files of a folder are opened. */
export interface FileAccess {
  readonly calls: FileCalls;
  /** Whether other users may own and write the files. See `OpenOptions.trustFolder`. */
  readonly trustFolder: boolean;
  readonly readOnly: boolean;
}

const privateFolderMode = 0o700;
const privateFileMode = 0o600;
const sharedFolderMode = 0o777;
const sharedFileMode = 0o666;
const permissionBits = 0o7777;
const othersMask = 0o077;

/** The ending of a file that is not complete yet. */
const unfinished = '.new';

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = fs.constants;

/**
 * The files of one folder. Only the user of the process may read and write them, as in the rest of a store, and a symbolic link is never
 * followed: its author could choose which file a node overwrites.
 */
export class StorageFolder {
  readonly path: string;
  readonly access: FileAccess;

  private constructor(path: string, access: FileAccess) {
    this.path = path;
    this.access = access;
  }

  /**
   * Opens a folder, and creates it if it does not exist and may be written.
   *
   * @throws FILE_FAILED, DISK_FULL
   */
  static open(path: string, access: FileAccess): StorageFolder {
    const { calls, trustFolder, readOnly } = access;
    attempt(path, () => {
      const found = calls.lstatSync(path, { throwIfNoEntry: false });
      if (found === undefined && !readOnly) {
        calls.mkdirSync(path, { recursive: true, mode: trustFolder ? sharedFolderMode : privateFolderMode });
        // The umask may have removed permissions from the user.
        if (!trustFolder && hasModes()) calls.chmodSync(path, privateFolderMode);
        new StorageFolder(dirname(path), access).syncNow();
      }
      if (found === undefined) return;
      if (found.isSymbolicLink()) throw unsafeFolder(path, 'is a symbolic link');
      if (!found.isDirectory()) throw unsafeFolder(path, 'is not a folder');
      if (trustFolder || readOnly || !hasModes()) return;
      assertOwn(path, found);
      if ((found.mode & othersMask) !== 0) calls.chmodSync(path, found.mode & ~othersMask & permissionBits);
    });
    return new StorageFolder(path, access);
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  folder(name: string): StorageFolder {
    return StorageFolder.open(this.pathOf(name), this.access);
  }

  /** The names of all files that are complete, sorted. */
  names(): readonly string[] {
    return this.#all().filter((name) => !name.endsWith(unfinished));
  }

  /** Removes the files that a process has left unfinished. */
  removeUnfinished(): void {
    for (const name of this.#all()) if (name.endsWith(unfinished)) this.remove(name);
  }

  has(name: string): boolean {
    return this.access.calls.lstatSync(this.pathOf(name), { throwIfNoEntry: false }) !== undefined;
  }

  /** Opens a file that exists. */
  openFile(name: string): StorageFile {
    const { calls, trustFolder, readOnly } = this.access;
    const path = this.pathOf(name);
    return attempt(path, () => {
      const fd = calls.openSync(path, (readOnly ? O_RDONLY : O_RDWR) | O_NOFOLLOW);
      const file = new StorageFile(path, fd, calls);
      try {
        const found = calls.fstatSync(fd);
        if (!found.isFile()) throw unsafeFolder(path, 'is not a file');
        if (!trustFolder && !readOnly && hasModes()) {
          assertOwn(path, found);
          if ((found.mode & othersMask) !== 0) calls.fchmodSync(fd, found.mode & ~othersMask & permissionBits);
        }
        return file;
      } catch (error) {
        file.close();
        throw error;
      }
    });
  }

  /** Creates a file under an unfinished name. `finish` gives it its name. */
  create(name: string): StorageFile {
    const { calls, trustFolder } = this.access;
    const path = this.pathOf(`${name}${unfinished}`);
    return attempt(path, () => {
      if (calls.lstatSync(path, { throwIfNoEntry: false }) !== undefined) calls.unlinkSync(path);
      const mode = trustFolder ? sharedFileMode : privateFileMode;
      const fd = calls.openSync(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode);
      if (!trustFolder && hasModes()) calls.fchmodSync(fd, privateFileMode);
      return new StorageFile(path, fd, calls);
    });
  }

  /**
   * Checks that the disk has room, so that a large file does not take the last bytes of other files before it fails.
   *
   * @throws DISK_FULL
   */
  assertRoom(bytes: number): void {
    const { bavail, bsize } = attempt(this.path, () => this.access.calls.statfsSync(this.path));
    if (bavail * bsize < bytes) throw fullDisk(this.path);
  }

  /** Gives a created file its name, in place of a file that has it. The file must be synced; the folder must be synced afterwards. */
  finish(name: string): void {
    const path = this.pathOf(name);
    attempt(path, () => this.access.calls.renameSync(`${path}${unfinished}`, path));
  }

  /** Removes a created file that will not be finished. */
  discard(name: string): void {
    this.remove(`${name}${unfinished}`);
  }

  /** Writes a whole file. Afterwards the file is the old or the new one, and the new one is durable. Holds the thread. */
  replaceNow(name: string, bytes: Uint8Array): void {
    const file = this.create(name);
    try {
      file.write(bytes, 0);
      file.syncNow();
    } finally {
      file.close();
    }
    this.finish(name);
    this.syncNow();
  }

  /** As `replaceNow`, with the syncs in another thread. */
  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const file = this.create(name);
    try {
      file.write(bytes, 0);
      await file.syncNew();
    } catch (error) {
      this.discard(name);
      throw error;
    } finally {
      file.close();
    }
    this.finish(name);
    await this.sync();
  }

  /** The bytes of a file. */
  read(name: string): Buffer {
    const file = this.openFile(name);
    try {
      return file.readAll();
    } finally {
      file.close();
    }
  }

  /** Removes a file if it exists. */
  remove(name: string): void {
    const path = this.pathOf(name);
    try {
      this.access.calls.unlinkSync(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw failedFile(path, error);
    }
  }

  /** Makes the names in the folder durable. */
  syncNow(): void {
    if (!canSyncFolders()) return;
    const { calls } = this.access;
    attempt(this.path, () => {
      const fd = calls.openSync(this.path, O_RDONLY);
      try {
        calls.fsyncSync(fd);
      } finally {
        calls.closeSync(fd);
      }
    });
  }

  /** As `syncNow`, in another thread. */
  async sync(): Promise<void> {
    if (!canSyncFolders()) return;
    const { calls } = this.access;
    const fd = attempt(this.path, () => calls.openSync(this.path, O_RDONLY));
    try {
      await settle(
        (done) => calls.fsync(fd, done),
        (error) => unsyncedNew(this.path, error),
      );
    } finally {
      calls.closeSync(fd);
    }
  }

  #all(): readonly string[] {
    return attempt(this.path, () => [...this.access.calls.readdirSync(this.path)].sort());
  }
}

/** An open file. Its errors are `MemoryError`s that name it. */
export class StorageFile {
  readonly path: string;
  readonly #fd: number;
  readonly #calls: FileCalls;

  constructor(path: string, fd: number, calls: FileCalls) {
    this.path = path;
    this.#fd = fd;
    this.#calls = calls;
  }

  /** The same open file, under its new name. */
  renamed(path: string): StorageFile {
    return new StorageFile(path, this.#fd, this.#calls);
  }

  get size(): number {
    return attempt(this.path, () => this.#calls.fstatSync(this.#fd).size);
  }

  /** Fills `bytes` from a position on. Returns how many there were. */
  readInto(bytes: Uint8Array, position: number): number {
    return attempt(this.path, () => {
      let at = 0;
      while (at < bytes.length) {
        const count = this.#calls.readSync(this.#fd, bytes, at, bytes.length - at, position + at);
        if (count === 0) break;
        at += count;
      }
      return at;
    });
  }

  readAll(): Buffer {
    const bytes = Buffer.alloc(this.size);
    return bytes.subarray(0, this.readInto(bytes, 0));
  }

  write(bytes: Uint8Array, position: number): void {
    attempt(this.path, () => {
      for (let at = 0; at < bytes.length; )
        at += this.#calls.writeSync(this.#fd, bytes, at, bytes.length - at, position + at);
    });
  }

  /** Writes zeros from a position up to another one, in another thread. */
  async fill(from: number, to: number): Promise<void> {
    const zeros = new Uint8Array(Math.min(to - from, 2 ** 20));
    for (let at = from; at < to; ) {
      const length = Math.min(zeros.length, to - at);
      at += await new Promise<number>((resolve, reject) => {
        this.#calls.write(this.#fd, zeros, 0, length, at, (error, count) => {
          if (error === null) resolve(count);
          else reject(failedFile(this.path, error));
        });
      });
    }
  }

  /** Makes what was written durable, in another thread. Any error is final: see `endedStorage`. */
  sync(): Promise<void> {
    return settle(
      (done) => this.#calls.fdatasync(this.#fd, done),
      (error) => endedStorage(this.path, error),
    );
  }

  /** As `sync`, for a file that has no name yet: it can be discarded if the disk is full. */
  syncNew(): Promise<void> {
    return settle(
      (done) => this.#calls.fdatasync(this.#fd, done),
      (error) => unsyncedNew(this.path, error),
    );
  }

  syncNow(): void {
    attempt(this.path, () => this.#calls.fsyncSync(this.#fd));
  }

  close(): void {
    attempt(this.path, () => this.#calls.closeSync(this.#fd));
  }
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw failedFile(path, error);
  }
}

function settle(start: (done: Done) => void, toError: (error: Error) => Error): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null ? resolve() : reject(toError(error))));
  });
}

function unsyncedNew(path: string, error: Error): Error {
  return isFull(error) ? failedFile(path, error) : endedStorage(path, error);
}

function assertOwn(path: string, { uid }: FileStatus): void {
  const user = process.geteuid?.();
  if (uid !== user) throw unsafeFolder(path, `belongs to user ${uid}, and not to the user of this process (${user})`);
}

/** Whether the system has file modes and user ids. Windows has neither. */
function hasModes(): boolean {
  return process.geteuid !== undefined;
}

/** Windows cannot open a folder as a file. Its file systems keep names in their journal. */
function canSyncFolders(): boolean {
  return process.platform !== 'win32';
}
