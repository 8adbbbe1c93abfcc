import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { bundleAdvice } from '../../domain/bundle-advice';
import { MemoryError } from '../../domain/errors';
import { moduleUrlOf } from '../../environment/module-url';
import { modelHash } from './model.generated';

/** The weights of the built-in model: one vector for each word piece. */
export interface StaticModel {
  /** The word pieces, in the order of the rows. A piece that continues a word begins with `##`. */
  readonly pieces: readonly string[];
  /**
   * One vector for each piece, row by row. The length of a vector is the weight of its piece in a text. The rows have a common
   * scale, which is not stored: the vector of a text is scaled to length 1, so only directions matter.
   */
  readonly rows: Int8Array;
  readonly dimensions: number;
}

/** The model as the package contains it, with compressed rows. */
export interface PackedModel extends Omit<StaticModel, 'rows'> {
  /** The compressed rows. Decompress them with `unpackRows`. */
  readonly packedRows: Int8Array;
}

// In the sources, the file is in the folder of this file. In the package, it is in the folder of the built files.
const fileName = 'built-in-model.bin';
/** The header has two 32-bit numbers: the dimensions, and the length of the pieces in bytes. */
const headBytes = 8;

// Larger than all rows together, so that zlib inflates them in one step.
const inflateChunkBytes = 8 * 2 ** 20;
const inflate = promisify(inflateRaw);

/**
 * Reads the model file of the package.
 *
 * @throws EMBEDDER_MISSING if the file is missing, damaged or from another release.
 */
export async function readModel(path = ownFile()): Promise<PackedModel> {
  const bytes = await read(path);
  // Hashes asynchronously, because `createHash` would block the event loop.
  const hash = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
  if (hash === modelHash) return decodePackedModel(bytes);
  throw new MemoryError(
    'EMBEDDER_MISSING',
    `The built-in model at ${path} is damaged or from another release: expected SHA-256 ${modelHash}, got ${hash} ` +
      `(${bytes.length} bytes). Install the package again.`,
  );
}

function ownFile(): string {
  return fileURLToPath(new URL(fileName, moduleUrlOf(import.meta.url)));
}

async function read(path: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The built-in model could not be read: ${String(cause)}. The package contains it next to its program. Install the ` +
        `package again. ${bundleAdvice}`,
      { cause },
    );
  }
}

/** Decompresses the rows in another thread, so that the caller can prepare the pieces at the same time. */
export async function unpackRows({ packedRows }: PackedModel): Promise<Int8Array> {
  const bytes = await inflate(packedRows, { chunkSize: inflateChunkBytes });
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Decodes a packed file, which `packModel` makes. It has the layout of `encodeModel`, but with compressed rows. */
export function decodePackedModel(bytes: Buffer): PackedModel {
  const { pieces, dimensions, rows } = decodeModel(bytes);
  return { pieces, dimensions, packedRows: rows };
}

/**
 * Encodes a model: the dimensions and the length of the pieces in bytes as 32-bit little-endian numbers, then one line for each
 * piece, then the rows.
 */
export function encodeModel({ pieces, rows, dimensions }: StaticModel): Buffer {
  const lines = Buffer.from(pieces.join('\n'));
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(dimensions, 0);
  head.writeUInt32LE(lines.length, 4);
  return Buffer.concat([head, lines, Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)]);
}

/** Decodes a model that `encodeModel` encoded. The rows share the memory of `bytes`. */
export function decodeModel(bytes: Buffer): StaticModel {
  const rowsStart = headBytes + bytes.readUInt32LE(4);
  return {
    dimensions: bytes.readUInt32LE(0),
    pieces: bytes.toString('utf8', headBytes, rowsStart).split('\n'),
    rows: new Int8Array(bytes.buffer, bytes.byteOffset + rowsStart, bytes.length - rowsStart),
  };
}
