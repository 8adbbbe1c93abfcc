import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Issue, invalidInput, type MemoryError } from '../../domain/errors';
import {
  auditFile,
  databaseFile,
  lockFile,
  raftFolder,
  reserveFile,
  sharedLogFolder,
  snapshotWorkFolder,
  writerFile,
} from './file-names';
import { contentsOf } from './folder-contents';

/** The modes (Unix permissions) for a folder and a file to which only their user has access. */
const privateFolderMode = 0o700;
const privateFileMode = 0o600;
/** The mode for a file in a trusted folder. The umask of the process removes permissions from it. */
const sharedFileMode = 0o666;
const othersMask = 0o077;
const permissionBits = 0o7777;
const othersMayWrite = 0o022;

const databases = [databaseFile, auditFile, lockFile];
/** The files of a store, including those that SQLite creates next to a database. */
const ownFiles: ReadonlySet<string> = new Set([
  ...databases.flatMap((file) => [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]),
  ...[writerFile, `${writerFile}.new`, reserveFile],
]);
const ownFolders = new RegExp(`^(index(-[1-9]\\d*)?|${raftFolder}|${sharedLogFolder})$`);
// The folder `connect` has its own checks.
const connectFolder = 'connect';

export interface PrivacyOptions {
  readonly readOnly: boolean;
  /** See `OpenOptions.trustFolder`. */
  readonly trustFolder: boolean;
}

/** Creates the folder for a store if it does not exist. Unless the folder is trusted, only its user may enter it, for any umask. */
export function makeFolder(folder: string, trustFolder: boolean): void {
  if (trustFolder) {
    mkdirSync(folder, { recursive: true });
    return;
  }
  const created = mkdirSync(folder, { recursive: true, mode: privateFolderMode });
  // The umask may have removed permissions from the user.
  if (created !== undefined && hasModes()) chmodSync(folder, privateFolderMode);
}

/**
 * Creates a file if it does not exist. Unless the folder is trusted, only its user may read it, for any umask. SQLite gives the files that
 * it creates next to a database the same mode as the database.
 */
export function makeFile(path: string, trustFolder: boolean): void {
  if (!hasModes()) return;
  const { O_CREAT, O_RDWR, O_NOFOLLOW, O_EXCL } = constants;
  let file: number;
  try {
    file = openSync(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, trustFolder ? sharedFileMode : privateFileMode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  closeSync(file);
  if (!trustFolder) chmodSync(path, privateFileMode);
}

/**
 * Checks that no other user can have put files into the folder of a store. If the store is opened for writing, also removes permissions
 * from other users: from the store's files, and from the folder if nothing else is in it. Symbolic links are rejected, because their
 * author could choose which file the store overwrites or deletes.
 *
 * @throws INVALID_INPUT with all problems, or if the folder holds a database of another program, and then nothing has changed; or the
 *   error from the file system if the folder must be writable but is not
 */
export function protectFolder(folder: string, { readOnly, trustFolder }: PrivacyOptions): void {
  const names = readdirSync(folder).filter(isOwn);
  if (!trustFolder && hasModes()) assertOwn(folder, names, readOnly);
  if (readOnly) return;
  // This check is needed because SQLite opens a file without write permission for reading, and fails only at the first write.
  for (const path of [folder, ...names.map((name) => join(folder, name))]) assertWritable(path);
  const contents = contentsOf(folder, isOfStore);
  if (trustFolder || !hasModes()) return;
  if (contents === 'nothing' || contents === 'store') tighten(folder, othersMask);
  // In the folder of a project, other users keep all permissions with which they cannot replace the store's files.
  else if (contents === 'store among others') tighten(folder, othersMayWrite);
  if ((statSync(folder).mode & othersMayWrite) !== 0) throw writableByOthers(folder);
  // The databases are empty or those of a store. Among the files of other programs, the rest may belong to them, such as a folder `index`.
  const ours = contents === 'store' ? names : names.filter((name) => databases.some((file) => name.startsWith(file)));
  for (const name of ours) tighten(join(folder, name), othersMask);
}

function writableByOthers(folder: string): MemoryError {
  const message = `expected a folder that only its user may write, got ${folder}, which other users may write. Take this permission away (chmod go-w), or name a new folder below it. ${remedy}`;
  return invalidInput([{ path: ['folder'], message }], 'folder');
}

function assertOwn(folder: string, names: readonly string[], readOnly: boolean): void {
  // For writing, the path of the folder was already resolved. For reading, the path may be a symbolic link.
  const issues = readOnly ? [] : ownershipIssues(folder, statSync(folder));
  for (const name of names) issues.push(...entryIssues(folder, name, readOnly));
  if (issues.length === 0) return;
  throw invalidInput(
    issues.map((message): Issue => ({ path: ['folder'], message })),
    'folder',
  );
}

/** Checks whether another user owns the folder. A read-only store writes nothing to such a folder. */
export function isForeign(folder: string): boolean {
  return hasModes() && statSync(folder).uid !== process.geteuid?.();
}

/** Checks whether the system has file modes and user ids. Windows has neither. */
function hasModes(): boolean {
  return process.geteuid !== undefined;
}

function isOwn(name: string): boolean {
  return ownFiles.has(name) || ownFolders.test(name);
}

/** Returns whether a store makes files and folders with this name. */
function isOfStore(name: string): boolean {
  return isOwn(name) || name === connectFolder || snapshotWorkFolder.test(name);
}

const remedy = 'Open it with { trustFolder: true } if you trust everyone who may write it.';

function ownershipIssues(path: string, { uid }: Stats): string[] {
  const user = process.geteuid?.();
  if (uid === user) return [];
  return [
    `expected a folder of this process's user (${user}), got ${path}, which user ${uid} owns. Give it to the user of this process (chown). ${remedy}`,
  ];
}

function entryIssues(folder: string, name: string, readOnly: boolean): string[] {
  const path = join(folder, name);
  const found = lstatSync(path, { throwIfNoEntry: false });
  // SQLite may have removed the file since the folder was listed.
  if (found === undefined) return [];
  if (found.isSymbolicLink()) return [`expected no symbolic link at ${path}. Remove the link. ${remedy}`];
  // A store works without its index, whatever is in the place of that folder.
  if (ownFiles.has(name) && !found.isFile()) return [`expected a file at ${path}, got something else. Move it away.`];
  return readOnly ? [] : ownershipIssues(path, found);
}

/**
 * Checks that a path is writable. The permission bits are compared too, because `access` checks for the real user of the process, but files
 * are opened as the effective user.
 *
 * @throws the error from the file system, or an error in the same form
 */
function assertWritable(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  accessSync(path, constants.R_OK | constants.W_OK | (found.isDirectory() ? constants.X_OK : 0));
  const user = process.geteuid?.();
  const needed = found.isDirectory() ? privateFolderMode : privateFileMode;
  if (user === undefined || user === 0 || found.uid !== user || (found.mode & needed) === needed) return;
  throw Object.assign(new Error(`EACCES: permission denied, access '${path}'`), {
    code: 'EACCES',
    syscall: 'access',
    path,
  });
}

/** Removes permissions, as far as the file system lets this process. */
function tighten(path: string, removed: number): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isSymbolicLink() || (found.mode & removed) === 0) return;
  try {
    chmodSync(path, found.mode & ~removed & permissionBits);
  } catch (error) {
    if (!['ENOENT', 'EPERM', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
