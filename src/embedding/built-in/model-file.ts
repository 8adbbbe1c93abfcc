import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { MemoryError } from '../../domain/errors';
import { modelHash } from './model.generated';

/** What the file of the built-in model holds. */
export interface StaticModel {
  /** The pieces of words that have a vector, in the order of the rows. Those that continue a word begin with `##`. */
  readonly pieces: readonly string[];
  /** A vector for each piece, row by row, its weight in it as its length. Only directions matter, so no scale goes with them. */
  readonly rows: Int8Array;
  readonly dimensions: number;
}

// Beside this file in the sources, and beside the built files in the package.
const fileName = 'built-in-model.bin';
/** Two 32-bit numbers: dimensions, and bytes of the pieces. */
const headBytes = 8;

/** Reads the model that comes with the package. EMBEDDER_MISSING where its file is absent, damaged or of another release. */
export async function readModel(path = fileURLToPath(new URL(fileName, import.meta.url))): Promise<StaticModel> {
  const bytes = await read(path);
  // Not `createHash`, which would hold the event loop.
  const hash = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
  if (hash === modelHash) return decodeModel(bytes);
  throw new MemoryError(
    'EMBEDDER_MISSING',
    `The built-in model at ${path} is damaged or of another release: ${bytes.length} bytes with SHA-256 ${hash}, ` +
      `in place of ${modelHash}. Install the package again.`,
  );
}

async function read(path: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The built-in model cannot be read: ${String(cause)}. It belongs beside the program of the package. Install the ` +
        `package again; where a bundler put the package into another file, copy dist/${fileName} beside that.`,
      { cause },
    );
  }
}

/** The file: dimensions and the pieces' bytes as 32-bit little-endian numbers, the pieces a line each, then the rows. */
export function encodeModel({ pieces, rows, dimensions }: StaticModel): Buffer {
  const lines = Buffer.from(pieces.join('\n'));
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(dimensions, 0);
  head.writeUInt32LE(lines.length, 4);
  return Buffer.concat([head, lines, Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)]);
}

/** The opposite of `encodeModel`. The rows share the memory of the bytes. */
export function decodeModel(bytes: Buffer): StaticModel {
  const rowsStart = headBytes + bytes.readUInt32LE(4);
  return {
    dimensions: bytes.readUInt32LE(0),
    pieces: bytes.toString('utf8', headBytes, rowsStart).split('\n'),
    rows: new Int8Array(bytes.buffer, bytes.byteOffset + rowsStart, bytes.length - rowsStart),
  };
}
