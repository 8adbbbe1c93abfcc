import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { invalidInput } from '../domain/errors';
import { fromSqlite } from '../sqlite/sqlite';

/** The address at which clients reach the process that serves a folder. The token proves that a client can read the folder. */
export interface SocketAddress {
  readonly socket: string;
  readonly token: string;
}

const isWindows = process.platform === 'win32';
const connectDirectory = 'connect';
const addressFile = 'address.json';
const socketExtension = '.sock';
// The path in the address of a Unix socket (`sun_path`) has 104 bytes on macOS and 108 on Linux. The last byte is a zero.
const maxSocketPathBytes = 103;

/**
 * Chooses the path for a new socket that only this user can reach. The path is in a directory inside the folder. If that path would be
 * too long, it is in a private directory inside the system's directory for temporary files. On Windows it is a named pipe, which only
 * the token protects.
 *
 * @throws INVALID_INPUT if other users can access the directory
 */
export function newSocketPath(folder: string, name: string): string {
  const own = makePrivate(join(folder, connectDirectory));
  if (isWindows) return `\\\\.\\pipe\\multi-agent-memory-${name}`;
  const path = join(own, `${name}${socketExtension}`);
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return path;
  return join(makePrivate(runtimeDirectory()), `${name}${socketExtension}`);
}

/** Writes the address to the file that clients read. Only the process that has opened the folder may call this. */
export function publishAddress(folder: string, address: SocketAddress): void {
  const file = addressFileOf(folder);
  const unfinished = `${file}.new`;
  rmSync(unfinished, { force: true });
  writeFileSync(unfinished, JSON.stringify(address), { mode: 0o600, flag: 'wx' });
  // The umask may have removed permissions of the owner.
  if (!isWindows) chmodSync(unfinished, 0o600);
  renameSync(unfinished, file);
}

/** Removes the socket. Also removes the address, unless another process has published its own address since then. */
export function removeAddress(folder: string, { socket, token }: SocketAddress): void {
  if (!isWindows) rmSync(socket, { force: true });
  if (readAddressFile(folder)?.token === token) rmSync(addressFileOf(folder), { force: true });
}

/** Removes sockets that killed processes have left behind. Only the process that has opened the folder may call this. */
export function removeStaleSockets(folder: string): void {
  if (isWindows) return;
  const own = makePrivate(join(folder, connectDirectory));
  const stale = readAddressFile(folder);
  if (stale !== undefined && dirname(stale.socket) === runtimeDirectory() && stale.socket.endsWith(socketExtension)) {
    rmSync(stale.socket, { force: true });
  }
  for (const file of readdirSync(own)) if (file.endsWith(socketExtension)) rmSync(join(own, file), { force: true });
}

/**
 * Reads the published address. Undefined if no process has published one.
 *
 * @throws INVALID_INPUT if other users could have written the address
 */
export function readAddress(folder: string): SocketAddress | undefined {
  const address = readAddressFile(folder);
  if (address === undefined || isWindows) return address;
  assertPrivate(join(folder, connectDirectory));
  assertPrivate(addressFileOf(folder));
  if (dirname(address.socket) !== join(folder, connectDirectory)) assertPrivate(dirname(address.socket));
  return address;
}

function readAddressFile(folder: string): SocketAddress | undefined {
  try {
    const { socket, token } = JSON.parse(readFileSync(addressFileOf(folder), 'utf8')) as Partial<SocketAddress>;
    return typeof socket === 'string' && typeof token === 'string' ? { socket, token } : undefined;
  } catch {
    return undefined;
  }
}

function addressFileOf(folder: string): string {
  return join(folder, connectDirectory, addressFile);
}

function runtimeDirectory(): string {
  return join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `multi-agent-memory-${process.getuid?.() ?? ''}`);
}

function makePrivate(directory: string): string {
  try {
    mkdirSync(directory, { mode: 0o700 });
    // The umask may have removed permissions from the owner.
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
  const message = `${path} must belong to the user of this process, must not be a symbolic link, and must be closed to other users (mode 700 for a directory, 600 for a file). Otherwise other users could read or answer calls.`;
  throw invalidInput([{ path: ['folder'], message }], 'folder');
}
