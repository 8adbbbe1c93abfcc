import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { invalidInput } from '../domain/errors';
import { fromSqlite } from '../sqlite/sqlite';

/** Where the holder of a folder is to be found, and how it knows that who comes may read the folder. */
export interface SocketAddress {
  readonly socket: string;
  readonly token: string;
}

const isWindows = process.platform === 'win32';
const ownDirectory = 'connect';
const addressFile = 'address.json';
const socketEnding = '.sock';
// `sun_path` of a socket's address holds 104 bytes on macOS and 108 on Linux, the last of them a zero.
const maxSocketPathBytes = 103;

/**
 * A path for a new socket that only this user can reach: in a directory of the folder or, where that path would be too long, in
 * one of the user's own beside other temporary files. On Windows, a pipe that is guarded by its token alone.
 *
 * @throws INVALID_INPUT where such a directory is not this user's alone
 */
export function newSocketPath(folder: string, name: string): string {
  const own = makePrivate(join(folder, ownDirectory));
  if (isWindows) return `\\\\.\\pipe\\multi-agent-memory-${name}`;
  const path = join(own, `${name}${socketEnding}`);
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return path;
  return join(makePrivate(runtimeDirectory()), `${name}${socketEnding}`);
}

/** Tells where the holder is. Only who holds the folder may. */
export function announce(folder: string, address: SocketAddress): void {
  const file = addressFileOf(folder);
  const unfinished = `${file}.new`;
  rmSync(unfinished, { force: true });
  writeFileSync(unfinished, JSON.stringify(address), { mode: 0o600, flag: 'wx' });
  renameSync(unfinished, file);
}

/** Takes back what was told. */
export function withdraw(folder: string, { socket, token }: SocketAddress): void {
  if (!isWindows) rmSync(socket, { force: true });
  if (readTold(folder)?.token === token) rmSync(addressFileOf(folder), { force: true });
}

/** Removes what holders left that were killed. Only who holds the folder may: then nobody listens there any more. */
export function clearOut(folder: string): void {
  if (isWindows) return;
  const own = makePrivate(join(folder, ownDirectory));
  const left = readTold(folder);
  if (left !== undefined && dirname(left.socket) === runtimeDirectory() && left.socket.endsWith(socketEnding)) {
    rmSync(left.socket, { force: true });
  }
  for (const file of readdirSync(own)) if (file.endsWith(socketEnding)) rmSync(join(own, file), { force: true });
}

/**
 * Where the holder was last told to be. Undefined where nobody told.
 *
 * @throws INVALID_INPUT where others than this user could have written that
 */
export function findAddress(folder: string): SocketAddress | undefined {
  const told = readTold(folder);
  if (told === undefined || isWindows) return told;
  assertPrivate(join(folder, ownDirectory));
  assertPrivate(addressFileOf(folder));
  if (dirname(told.socket) !== join(folder, ownDirectory)) assertPrivate(dirname(told.socket));
  return told;
}

function readTold(folder: string): SocketAddress | undefined {
  try {
    const told = JSON.parse(readFileSync(addressFileOf(folder), 'utf8')) as Partial<SocketAddress>;
    const { socket, token } = told;
    return typeof socket === 'string' && typeof token === 'string' ? { socket, token } : undefined;
  } catch {
    return undefined;
  }
}

function addressFileOf(folder: string): string {
  return join(folder, ownDirectory, addressFile);
}

function runtimeDirectory(): string {
  return join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `multi-agent-memory-${process.getuid?.() ?? ''}`);
}

function makePrivate(directory: string): string {
  try {
    mkdirSync(directory, { mode: 0o700 });
    // A mask may have taken from it what its owner needs.
    if (!isWindows) chmodSync(directory, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fromSqlite(error);
  }
  assertPrivate(directory);
  return directory;
}

/** @throws INVALID_INPUT */
function assertPrivate(path: string): void {
  if (isWindows) return;
  const found = lstatSync(path);
  const isOwn = found.uid === process.getuid?.() && (found.mode & 0o077) === 0 && !found.isSymbolicLink();
  if (isOwn) return;
  const message = `holds ${path}, which must belong to the user that runs this process, be no link, and be closed to everybody else (mode 700, files 600): otherwise others could read or answer what is asked there.`;
  throw invalidInput([{ path: ['folder'], message }], 'The folder');
}
