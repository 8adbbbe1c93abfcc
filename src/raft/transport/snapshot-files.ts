import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The SHA-256 of bytes. */
export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** The length of a digest. */
export const digestBytes = 32;

/** Opens the unfinished file of a snapshot, which only this user can read. A link is not followed: it could lead to any file. */
export async function openPart(path: string): Promise<FileHandle> {
  // Windows has no such links for ordinary users, and no such flag.
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
  const file = await open(partOf(path), flags, 0o600);
  if (process.platform !== 'win32') await file.chmod(0o600);
  return file;
}

/** Closes a file that is complete, and gives it its final name, durably. */
export async function completePart(file: FileHandle, path: string, size: number): Promise<void> {
  try {
    await file.truncate(size);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partOf(path), path);
  // Windows cannot sync a folder, and keeps renames in its own journal.
  if (process.platform === 'win32') return;
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The digests of the whole chunks that a file begins with, up to `size`. The last chunk may be shorter. */
export async function chunkDigests(file: FileHandle, size: number, chunkBytes: number): Promise<readonly Uint8Array[]> {
  const digests: Uint8Array[] = [];
  for (let at = 0; at < size; at += chunkBytes) {
    const chunk = await readChunk(file, at, Math.min(chunkBytes, size - at));
    if (chunk === undefined) break;
    digests.push(sha256(chunk));
  }
  return digests;
}

/** Reads bytes of a file. Undefined if it ends before. */
export async function readChunk(file: FileHandle, at: number, length: number): Promise<Buffer | undefined> {
  const chunk = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(chunk, done, length - done, at + done);
    if (bytesRead === 0) return undefined;
    done += bytesRead;
  }
  return chunk;
}

/** Writes bytes into a file. */
export async function writeChunk(file: FileHandle, at: number, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at + done);
    done += bytesWritten;
  }
}

function partOf(path: string): string {
  return `${path}.part`;
}
