import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { FileCalls, FileStatus } from '../../../src/raft/storage/storage-files';
import type { Random } from '../../faults/random';

interface Inode {
  /** What programs read. */
  bytes: Buffer;
  /** What the disk holds. */
  durable: Buffer;
  /** The writes that are not durable yet, in order. */
  pending: { readonly position: number; readonly bytes: Buffer; readonly number: number }[];
}

/** A change of a folder that is not durable yet. `inode` is undefined if the name is removed. */
interface NameChange {
  readonly name: string;
  readonly inode: Inode | undefined;
}

interface Folder {
  readonly names: Map<string, Inode>;
  durable: Map<string, Inode>;
  pending: NameChange[];
}

interface OpenFile {
  readonly path: string;
  readonly inode: Inode | undefined;
}

/** The unit in which a disk writes. */
const sectorBytes = 512;
const blockBytes = 4096;

/**
 * A file system in memory whose power can be cut. What was not synced is then lost, or there, or there in part: any sectors of any write, and
 * changes of names up to any point.
 */
export class SimulatedDisk implements FileCalls {
  readonly #folders = new Map<string, Folder>();
  readonly #open = new Map<number, OpenFile>();
  #nextFd = 3;
  #writes = 0;
  /** The bytes that files may take. */
  capacity = Number.POSITIVE_INFINITY;
  /** Whether a file that exists takes new room when it is overwritten, as on a file system that copies on write. */
  copiesOnWrite = false;
  /** Thrown by the next syncs. */
  syncError: string | undefined;
  /** Called in place of ending a sync at once. */
  onSync: (path: string, done: () => void) => void = (_path, done) => void setImmediate(done);
  /** Called with each write, before it happens. */
  onWrite: (path: string, position: number, bytes: Uint8Array) => void = () => undefined;
  /** How many syncs have ended. */
  syncs = 0;
  #isOff = false;

  constructor() {
    this.mkdirSync('/');
  }

  /** The disk of a machine whose power is cut now. This disk does nothing any more. */
  cutPower(random: Random): SimulatedDisk {
    this.#isOff = true;
    const after = new SimulatedDisk();
    for (const [path, folder] of this.#folders) {
      const names = new Map(folder.durable);
      for (const { name, inode } of folder.pending.slice(0, random.whole(0, folder.pending.length))) {
        if (inode === undefined) names.delete(name);
        else names.set(name, inode);
      }
      const left = new Map<string, Inode>();
      for (const [name, inode] of names) left.set(name, whole(tornContent(inode, random)));
      after.#folders.set(path, { names: left, durable: new Map(left), pending: [] });
    }
    return after;
  }

  /** The disk as a process leaves it that is killed now: everything is there for the next process, but a power cut can still take it away. */
  kill(): SimulatedDisk {
    this.#isOff = true;
    return this.copy();
  }

  copy(): SimulatedDisk {
    const after = new SimulatedDisk();
    after.#writes = this.#writes;
    const copies = new Map<Inode, Inode>();
    const copyOf = (inode: Inode): Inode => {
      const copy = copies.get(inode) ?? { ...inode, bytes: Buffer.from(inode.bytes), pending: [...inode.pending] };
      copies.set(inode, copy);
      return copy;
    };
    for (const [path, { names, durable, pending }] of this.#folders) {
      const copied = (from: ReadonlyMap<string, Inode>) =>
        new Map([...from].map(([name, inode]) => [name, copyOf(inode)]));
      const changes = pending.map(({ name, inode }) => ({ name, inode: inode && copyOf(inode) }));
      after.#folders.set(path, { names: copied(names), durable: copied(durable), pending: changes });
    }
    return after;
  }

  /** All files, with their content, which may be changed. */
  files(): ReadonlyMap<string, Buffer> {
    const found = [...this.#folders].flatMap(([path, { names }]) => {
      return [...names].map(([name, inode]) => [`${path}/${name}`, inode.bytes] as const);
    });
    return new Map(found);
  }

  get used(): number {
    return [...this.files().values()].reduce((sum, { length }) => sum + blocks(length), 0);
  }

  openSync(path: string, flags: number): number {
    const folder = this.#folderOf(path);
    let inode = folder?.names.get(nameOf(path));
    if ((flags & constants.O_CREAT) !== 0) {
      if (inode !== undefined) throw failure('EEXIST', 'open', path);
      if (folder === undefined) throw failure('ENOENT', 'open', path);
      inode = whole(Buffer.alloc(0));
      this.#changeName(folder, { name: nameOf(path), inode });
    }
    if (inode === undefined && !this.#folders.has(path)) throw failure('ENOENT', 'open', path);
    this.#open.set(this.#nextFd, { path, inode });
    return this.#nextFd++;
  }

  closeSync(fd: number): void {
    if (!this.#open.delete(fd)) throw failure('EBADF', 'close', '');
  }

  readSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const part = this.#inode(fd).bytes.subarray(position, position + length);
    bytes.set(part, offset);
    return part.length;
  }

  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    this.#assertOn();
    const { path } = this.#open.get(fd) as OpenFile;
    const inode = this.#inode(fd);
    if (!this.#hasRoom(inode, position + length, length)) {
      // A system writes what fits, and fails with the rest.
      const part = Math.floor(length / 2);
      if (part < sectorBytes || !this.#hasRoom(inode, position + part, part)) throw failure('ENOSPC', 'write', path);
      this.#put(path, inode, position, Buffer.from(bytes.subarray(offset, offset + part)));
      return part;
    }
    this.#put(path, inode, position, Buffer.from(bytes.subarray(offset, offset + length)));
    return length;
  }

  #hasRoom(inode: Inode, end: number, length: number): boolean {
    const grown = Math.max(0, blocks(end) - blocks(inode.bytes.length));
    const needed = this.copiesOnWrite ? blocks(length) : grown;
    return needed === 0 || this.used + needed <= this.capacity;
  }

  #put(path: string, inode: Inode, position: number, written: Buffer): void {
    this.onWrite(path, position, written);
    inode.bytes = overwritten(inode.bytes, position, written);
    inode.pending.push({ position, bytes: written, number: this.#writes++ });
  }

  write(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void {
    setImmediate(() => {
      if (this.#isOff) return;
      try {
        done(null, this.writeSync(fd, bytes, offset, length, position));
      } catch (error) {
        done(error as Error, 0);
      }
    });
  }

  fsyncSync(fd: number): void {
    this.#assertOn();
    if (this.syncError !== undefined) throw failure(this.syncError, 'fsync', this.#open.get(fd)?.path ?? '');
    this.#sync(fd)();
  }

  fdatasync(fd: number, done: (error: Error | null) => void): void {
    const { path } = this.#open.get(fd) as OpenFile;
    const finish = this.#sync(fd);
    this.onSync(path, () => {
      if (this.#isOff) return;
      const error = this.syncError === undefined ? null : failure(this.syncError, 'fdatasync', path);
      if (error === null) finish();
      done(error);
    });
  }

  fsync(fd: number, done: (error: Error | null) => void): void {
    this.fdatasync(fd, done);
  }

  fstatSync(fd: number): FileStatus {
    return statusOf(this.#open.get(fd)?.inode);
  }

  lstatSync(path: string): FileStatus | undefined {
    if (this.#folders.has(path)) return statusOf(undefined);
    const inode = this.#folderOf(path)?.names.get(nameOf(path));
    return inode === undefined ? undefined : statusOf(inode);
  }

  fchmodSync(): void {}

  chmodSync(): void {}

  statfsSync(): { readonly bavail: number; readonly bsize: number } {
    const free = Math.max(0, this.capacity - this.used);
    return { bavail: Math.min(Number.MAX_SAFE_INTEGER, Math.floor(free / blockBytes)), bsize: blockBytes };
  }

  mkdirSync(path: string): undefined {
    // Folders are durable at once: only their files are of interest here.
    this.#folders.set(path, { names: new Map(), durable: new Map(), pending: [] });
  }

  readdirSync(path: string): readonly string[] {
    const folder = this.#folders.get(path);
    if (folder === undefined) throw failure('ENOENT', 'scandir', path);
    return [...folder.names.keys()];
  }

  renameSync(from: string, to: string): void {
    this.#assertOn();
    const folder = this.#folderOf(from) as Folder;
    const inode = folder.names.get(nameOf(from));
    if (inode === undefined) throw failure('ENOENT', 'rename', from);
    this.#changeName(folder, { name: nameOf(to), inode });
    this.#changeName(folder, { name: nameOf(from), inode: undefined });
  }

  unlinkSync(path: string): void {
    this.#assertOn();
    const folder = this.#folderOf(path);
    if (!folder?.names.has(nameOf(path))) throw failure('ENOENT', 'unlink', path);
    this.#changeName(folder, { name: nameOf(path), inode: undefined });
  }

  /** Begins a sync. What is returned makes durable what was written up to now. */
  #sync(fd: number): () => void {
    const { path, inode } = this.#open.get(fd) as OpenFile;
    if (inode === undefined) {
      const folder = this.#folders.get(path) as Folder;
      const changes = [...folder.pending];
      return () => {
        this.syncs++;
        folder.pending = folder.pending.filter((change) => !changes.includes(change));
        for (const { name, inode: target } of changes) {
          if (target === undefined) folder.durable.delete(name);
          else folder.durable.set(name, target);
        }
      };
    }
    const before = this.#writes;
    return () => {
      this.syncs++;
      // Another sync of the file may have ended meanwhile.
      for (const { position, bytes } of inode.pending.filter(({ number }) => number < before))
        inode.durable = overwritten(inode.durable, position, bytes);
      inode.pending = inode.pending.filter(({ number }) => number >= before);
    };
  }

  #assertOn(): void {
    if (this.#isOff) throw failure('EIO', 'write', 'a disk without power');
  }

  #changeName(folder: Folder, change: NameChange): void {
    if (change.inode === undefined) folder.names.delete(change.name);
    else folder.names.set(change.name, change.inode);
    folder.pending.push(change);
  }

  #folderOf(path: string): Folder | undefined {
    return this.#folders.get(dirname(path));
  }

  #inode(fd: number): Inode {
    const inode = this.#open.get(fd)?.inode;
    if (inode === undefined) throw failure('EBADF', 'read', '');
    return inode;
  }
}

/** What a disk holds of a file after a power cut. */
function tornContent({ durable, pending }: Inode, random: Random): Buffer {
  let bytes = durable;
  // Some cuts lose or keep everything, so that both happen often. Others end in the middle of one write.
  const kept = random.pick([0, 0.5, 0.9, 1]);
  const stopAt = random.chance(0.3) ? random.whole(0, pending.length) : pending.length;
  for (const [count, write] of pending.entries()) {
    if (count > stopAt) break;
    if (count === stopAt) {
      bytes = overwritten(bytes, write.position, write.bytes.subarray(0, random.whole(0, write.bytes.length)));
      continue;
    }
    for (let at = 0; at < write.bytes.length; ) {
      const end = Math.min(write.bytes.length, at + sectorBytes - ((write.position + at) % sectorBytes));
      if (random.chance(kept)) bytes = overwritten(bytes, write.position + at, write.bytes.subarray(at, end));
      at = end;
    }
  }
  return Buffer.from(bytes);
}

function overwritten(bytes: Buffer, position: number, part: Uint8Array): Buffer {
  const changed = Buffer.alloc(Math.max(bytes.length, position + part.length));
  changed.set(bytes);
  changed.set(part, position);
  return changed;
}

function whole(bytes: Buffer): Inode {
  return { bytes, durable: bytes, pending: [] };
}

function blocks(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function statusOf(inode: Inode | undefined): FileStatus {
  return {
    size: inode?.bytes.length ?? 0,
    uid: process.geteuid?.() ?? 0,
    mode: 0o600,
    isFile: () => inode !== undefined,
    isDirectory: () => inode === undefined,
    isSymbolicLink: () => false,
  };
}

function failure(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path });
}
