import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { defined } from '../domain/defined';
import { invalidInput, MemoryError } from '../domain/errors';
import { auditFile, databaseFile } from './composition/file-names';
import { SnapshotCipher, saltBytes, tagBytes } from './snapshot-cipher';

/*
 * A snapshot is one file: the mark, the length of the header in four bytes, the header in JSON, the content of the store's databases, one
 * after the other, in chunks, and the SHA-256 of all bytes before it. An encrypted chunk is longer by its tag. The length of the file
 * follows from the header, so that a file that was cut off is found without reading it.
 */

/** What a snapshot says about itself. It is not encrypted, but every encrypted chunk is bound to it. */
export interface SnapshotHeader {
  /** When the state was copied, in epoch milliseconds. */
  readonly at: number;
  /** The number of the last change that the state contains. */
  readonly changeSeq: number;
  /** A name of the store that does not reveal its secret. */
  readonly store: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  /** The salt in base64url. Absent if the snapshot is not encrypted. */
  readonly salt?: string | undefined;
}

/** The beginning of a snapshot file, and what follows from it. */
export interface SnapshotHead {
  readonly header: SnapshotHeader;
  /** The SHA-256 at the end of the file, in hexadecimal digits. */
  readonly digest: string;
  /** The number of bytes of the file. */
  readonly bytes: number;
}

const mark = Buffer.from('multi-agent-memory snapshot\n');
const version = 1;
const chunkBytes = 256 * 1024;
const digestBytes = 32;
const lengthBytes = 4;
const maxHeaderBytes = 16 * 1024;
const privateFileMode = 0o600;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const headerShape = z.strictObject({
  version: z.literal(version),
  at: count,
  changeSeq: count,
  store: z.string(),
  // Only these names are ever written to a folder, whatever a file says.
  files: z.tuple([
    z.strictObject({ name: z.literal(databaseFile), bytes: count }),
    z.strictObject({ name: z.literal(auditFile), bytes: count }),
  ]),
  salt: z
    .string()
    .length(Math.ceil((saltBytes * 8) / 6))
    .optional(),
  check: z.string().optional(),
});

type StoredHeader = z.output<typeof headerShape>;

interface Layout {
  readonly total: number;
  readonly chunks: number;
  readonly overhead: number;
}

function layoutOf({ files, salt }: SnapshotHeader): Layout {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  return { total, chunks: Math.max(1, Math.ceil(total / chunkBytes)), overhead: salt === undefined ? 0 : tagBytes };
}

/** Watches a long read or write. */
export interface SnapshotProgress {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes that are done, and of all bytes. */
  onBytes?(done: number, total: number): void;
}

/**
 * Writes a snapshot file, which must not exist yet. It is on disk when the promise resolves.
 *
 * @param paths The files with the content, in the order of the header. Their lengths are those in the header.
 * @returns the digest of the file, in hexadecimal digits
 */
export async function writeSnapshotFile(
  path: string,
  header: SnapshotHeader,
  paths: readonly string[],
  key: Uint8Array | undefined,
  { signal, onBytes }: SnapshotProgress = {},
): Promise<string> {
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const file = await open(path, O_CREAT | O_EXCL | O_WRONLY | (O_NOFOLLOW ?? 0), privateFileMode);
  try {
    const hash = createHash('sha256');
    const put = async (bytes: Uint8Array) => {
      hash.update(bytes);
      await file.writeFile(bytes);
    };
    const cipher = cipherFor(header, key);
    const stored = { version, ...header, ...defined({ check: cipher?.check }) };
    await put(prefixOf(stored as StoredHeader));
    const { total, chunks } = layoutOf(header);
    let number = 0;
    let done = 0;
    for await (const chunk of chunksOf(paths)) {
      signal?.throwIfAborted();
      await put(cipher?.encrypt(chunk, number, number === chunks - 1) ?? chunk);
      number++;
      done += chunk.length;
      onBytes?.(done, total);
    }
    if (done !== total || number !== chunks)
      throw new MemoryError('FILE_FAILED', `A copy changed while ${path} was written.`);
    const digest = hash.digest();
    await file.writeFile(digest);
    await file.sync();
    return digest.toString('hex');
  } finally {
    await file.close();
  }
}

/** What is encrypted and what is authenticated begins with the header without the check of the key, which depends on both. */
function cipherFor(header: SnapshotHeader, key: Uint8Array | undefined): SnapshotCipher | undefined {
  if (key === undefined || header.salt === undefined) return undefined;
  return new SnapshotCipher(key, Buffer.from(header.salt, 'base64url'), boundOf(header));
}

function boundOf({ at, changeSeq, store, files, salt }: SnapshotHeader): Buffer {
  return Buffer.from(
    JSON.stringify([version, at, changeSeq, store, files.map(({ name, bytes }) => [name, bytes]), salt]),
  );
}

function prefixOf(header: StoredHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(json.length);
  return Buffer.concat([mark, length, json]);
}

/** The content of files, one after the other, in chunks of one length. An empty content is one empty chunk. */
async function* chunksOf(paths: readonly string[]): AsyncGenerator<Buffer> {
  let buffer = Buffer.allocUnsafe(chunkBytes);
  let length = 0;
  let isEmpty = true;
  for (const path of paths) {
    const file = await open(path, 'r');
    try {
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, chunkBytes - length);
        if (bytesRead === 0) break;
        length += bytesRead;
        if (length < chunkBytes) continue;
        yield buffer;
        isEmpty = false;
        buffer = Buffer.allocUnsafe(chunkBytes);
        length = 0;
      }
    } finally {
      await file.close();
    }
  }
  if (length > 0 || isEmpty) yield buffer.subarray(0, length);
}

/**
 * Reads the beginning and the end of a snapshot file, and checks its length.
 *
 * @throws RECORD_DAMAGED, STORE_NEWER; FILE_FAILED or INVALID_INPUT if the file cannot be read
 */
export async function readSnapshotHead(path: string): Promise<SnapshotHead> {
  const file = await open(path, 'r');
  try {
    const { header, bytes } = await readHeader(file, path);
    const digest = await readExactly(file, digestBytes, bytes - digestBytes, path);
    return { header, bytes, digest: digest.toString('hex') };
  } finally {
    await file.close();
  }
}

async function readHeader(file: FileHandle, path: string) {
  const prefix = await readExactly(file, mark.length + lengthBytes, 0, path);
  if (!prefix.subarray(0, mark.length).equals(mark)) throw damaged(path, 'It does not begin like a snapshot.');
  const length = prefix.readUInt32BE(mark.length);
  if (length > maxHeaderBytes) throw damaged(path, 'Its header is damaged.');
  const json = await readExactly(file, length, prefix.length, path);
  const header = parsedHeader(json, path);
  const start = prefix.length + length;
  const { total, chunks, overhead } = layoutOf(header);
  const bytes = start + total + chunks * overhead + digestBytes;
  const { size } = await file.stat();
  if (size !== bytes) throw damaged(path, `It has ${size} bytes and should have ${bytes}.`);
  return { header, bytes, start, prefix: Buffer.concat([prefix, json]) };
}

function parsedHeader(json: Buffer, path: string): StoredHeader {
  let value: unknown;
  try {
    value = JSON.parse(json.toString());
  } catch {
    throw damaged(path, 'Its header is damaged.');
  }
  const { version: found } = Object(value) as { version?: unknown };
  if (typeof found === 'number' && found > version) {
    const message = `A newer release made the snapshot ${path} (format ${found}). Restore it with that release, or a later one.`;
    throw new MemoryError('STORE_NEWER', message);
  }
  const result = headerShape.safeParse(value);
  const isKeyed = result.success && (result.data.salt === undefined) === (result.data.check === undefined);
  if (!result.success || !isKeyed) throw damaged(path, 'Its header is damaged.');
  return result.data;
}

/**
 * Reads a whole snapshot file and checks every byte.
 *
 * @param take Gets the content, in order. What it has got is whole only when the promise resolves.
 * @throws RECORD_DAMAGED; INVALID_INPUT if the key is missing or wrong, or if there is a key and the snapshot is not encrypted
 */
export async function readSnapshotFile(
  path: string,
  key: Uint8Array | undefined,
  take: (content: Uint8Array, header: SnapshotHeader) => Promise<void>,
  { signal, onBytes }: SnapshotProgress = {},
): Promise<SnapshotHead> {
  const file = await open(path, 'r');
  try {
    const { header, bytes, start, prefix } = await readHeader(file, path);
    const cipher = checkedCipher(header, key, path);
    const { total, chunks, overhead } = layoutOf(header);
    const hash = createHash('sha256').update(prefix);
    let at = start;
    for (let number = 0, done = 0; number < chunks; number++) {
      signal?.throwIfAborted();
      const length = Math.min(chunkBytes, total - done);
      const stored = await readExactly(file, length + overhead, at, path);
      hash.update(stored);
      at += stored.length;
      const content = cipher === undefined ? stored : cipher.decrypt(stored, number, number === chunks - 1);
      if (content === undefined) throw damaged(path, `Its part ${number + 1} of ${chunks} was changed.`);
      await take(content, header);
      done += length;
      onBytes?.(done, total);
    }
    const digest = await readExactly(file, digestBytes, at, path);
    assertDigest(hash, digest, path);
    return { header, bytes, digest: digest.toString('hex') };
  } finally {
    await file.close();
  }
}

function checkedCipher(header: StoredHeader, key: Uint8Array | undefined, path: string): SnapshotCipher | undefined {
  const cipher = cipherFor(header, key);
  if (header.salt === undefined && key === undefined) return undefined;
  if (cipher?.matches(header.check ?? '')) return cipher;
  // If a snapshot without encryption were taken in the place of an encrypted one, anyone who can write there could choose its content.
  const expectation =
    header.salt === undefined
      ? `expected no key, because ${path} is not encrypted. If it should be, somebody has replaced it`
      : `expected the key with which ${path} was encrypted, got ${key === undefined ? 'none' : 'another one'}`;
  throw invalidInput([{ path: ['encryptionKey'], message: `${expectation}.` }]);
}

function assertDigest(hash: Hash, digest: Buffer, path: string): void {
  if (!hash.digest().equals(digest)) throw damaged(path, 'It does not match its digest.');
}

async function readExactly(file: FileHandle, bytes: number, position: number, path: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  for (let length = 0; length < bytes; ) {
    const { bytesRead } = await file.read(buffer, length, bytes - length, position + length);
    if (bytesRead === 0) throw damaged(path, 'It is too short.');
    length += bytesRead;
  }
  return buffer;
}

function damaged(path: string, reason: string): MemoryError {
  return new MemoryError('RECORD_DAMAGED', `The snapshot ${path} is damaged. ${reason} Use another snapshot.`);
}
