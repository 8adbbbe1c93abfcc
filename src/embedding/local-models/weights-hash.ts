import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LRUCache } from 'lru-cache';

const bytesPerRead = 1 << 20;
// By path, length and times: those of a file that is replaced differ.
const known = new LRUCache<string, string>({ max: 64 });

/**
 * SHA-256 of a file in base 16; undefined where it cannot be read. Holds the event loop, about a millisecond a megabyte, the
 * first time that a process asks for the file: an embedding space has its name before anything is embedded.
 */
export function sha256OfFile(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size, mtimeNs, ctimeNs, ino } = fstatSync(file, { bigint: true });
    const key = JSON.stringify([path, ...[size, mtimeNs, ctimeNs, ino].map(String)]);
    const hash = known.get(key) ?? hashOf(file);
    known.set(key, hash);
    return hash;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

function hashOf(file: number): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(bytesPerRead);
  for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
    hash.update(buffer.subarray(0, read));
  return hash.digest('hex');
}
