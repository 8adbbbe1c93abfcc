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
import { type Issue, invalidInput } from '../../domain/errors';
import { auditFile, databaseFile, lockFile, reserveFile, writerFile } from './file-names';

/** The modes of what only its user may read: a folder, and a file. */
const privateFolderMode = 0o700;
const privateFileMode = 0o600;
/** The umask takes away from it. */
const sharedFileMode = 0o666;
const othersMask = 0o077;
const permissionBits = 0o777;
const othersMayWrite = 0o022;

const databases = [databaseFile, auditFile, lockFile];
/** The files of a store, with those that SQLite puts beside a database. */
const ownFiles: ReadonlySet<string> = new Set([
  ...databases.flatMap((file) => [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]),
  ...[writerFile, `${writerFile}.new`, reserveFile],
]);
// The folder `connect` has checks of its own.
const ownFolders = /^index(-[1-9]\d*)?$/;

export interface PrivacyOptions {
  readonly readOnly: boolean;
  /** See `OpenOptions.trustFolder`. */
  readonly trustFolder: boolean;
}

/** Creates the folder of a store if it does not exist. Only its user may enter it, whatever the umask, unless the folder is trusted. */
export function makeFolder(folder: string, trustFolder: boolean): void {
  if (trustFolder) {
    mkdirSync(folder, { recursive: true });
    return;
  }
  const created = mkdirSync(folder, { recursive: true, mode: privateFolderMode });
  // The umask may have removed permissions of the user.
  if (created !== undefined && hasModes()) chmodSync(folder, privateFolderMode);
}

/**
 * Creates a file if it does not exist. Only its user may read it, whatever the umask, unless the folder is trusted. SQLite gives the
 * files beside a database the mode of the database.
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
 * Checks that nobody else can have put something into the folder of a store, and for a store that writes takes away the permissions of
 * other users. A symbolic link in the place of a file would let its author choose which file the store overwrites or deletes.
 *
 * @throws INVALID_INPUT with every problem, or the error of the file system if a store that writes may not write the folder
 */
export function protectFolder(folder: string, { readOnly, trustFolder }: PrivacyOptions): void {
  const names = readdirSync(folder).filter(isOwn);
  if (!trustFolder && hasModes()) assertOwn(folder, names, readOnly);
  if (readOnly) return;
  const paths = [folder, ...names.map((name) => join(folder, name))];
  // SQLite opens a file that it may not write for reading, and would fail with the first write.
  for (const path of paths) assertWritable(path);
  if (trustFolder || !hasModes()) return;
  for (const path of paths) tighten(path);
  if ((statSync(folder).mode & othersMayWrite) === 0) return;
  const message = `expected a folder that only its user may write, got ${folder}, whose mode cannot be changed to 700. ${remedy}`;
  throw invalidInput([{ path: ['folder'], message }], 'folder');
}

function assertOwn(folder: string, names: readonly string[], readOnly: boolean): void {
  // The path of a folder is resolved before a store is opened for writing, and a reader may name it by a link.
  const issues = readOnly ? [] : ownershipIssues(folder, statSync(folder));
  for (const name of names) issues.push(...entryIssues(folder, name, readOnly));
  if (issues.length === 0) return;
  throw invalidInput(
    issues.map((message): Issue => ({ path: ['folder'], message })),
    'folder',
  );
}

/** Whether another user owns the folder. A reader writes nothing there. */
export function isForeign(folder: string): boolean {
  return hasModes() && statSync(folder).uid !== process.geteuid?.();
}

/** Windows has neither modes nor numbers of users. */
function hasModes(): boolean {
  return process.geteuid !== undefined;
}

function isOwn(name: string): boolean {
  return ownFiles.has(name) || ownFolders.test(name);
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
  // SQLite has removed it meanwhile.
  if (found === undefined) return [];
  if (found.isSymbolicLink()) return [`expected no symbolic link in the place of ${path}. Remove the link. ${remedy}`];
  const isExpected = ownFiles.has(name) ? found.isFile() : found.isDirectory();
  if (!isExpected)
    return [`expected a ${ownFiles.has(name) ? 'file' : 'folder'} at ${path}, got something else. Move it away.`];
  return readOnly ? [] : ownershipIssues(path, found);
}

/**
 * The permissions are also compared by their bits: `access` asks for the real user of the process, and files are opened as the
 * effective one.
 *
 * @throws the error of the file system, or one of the same form
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

function tighten(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isSymbolicLink() || (found.mode & othersMask) === 0) return;
  try {
    chmodSync(path, found.mode & ~othersMask & permissionBits);
  } catch (error) {
    if (!['ENOENT', 'EPERM', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
