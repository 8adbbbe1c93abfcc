import { crc32c } from '../../domain/crc32c';
import { damagedFile, newerFile } from './storage-errors';
import type { StorageFile, StorageFolder } from './storage-files';

/** The bytes of a segment file, unless a test asks for fewer. */
export const defaultSegmentBytes = 16 * 2 ** 20;

/**
 * The start of a segment, before its first record: magic and version (8 bytes), number (8), salt (16), size (4), checksum of the bytes before
 * (4). A segment gets its name after its header is durable, so a header is never torn.
 */
export const segmentHeaderBytes = 64;
const magic = 'mamraft1';
const checkedBytes = 36;
const saltBytes = 16;

/** An open segment file. */
export interface Segment {
  readonly number: number;
  readonly file: StorageFile;
  /** See `RecordPlace`. */
  readonly salt: number;
}

export function segmentName(number: number): string {
  return `${String(number).padStart(10, '0')}.segment`;
}

/** The number of a segment from its name. Undefined if it is another file. */
export function segmentNumber(name: string): number | undefined {
  const digits = /^(\d{10,})\.segment$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Creates a segment full of zeros, and makes it durable. A sync of a file whose blocks exist is several times cheaper than that of a file that
 * grows.
 *
 * @throws DISK_FULL, FILE_FAILED. Then nothing is left of it.
 */
export async function createSegment(
  folder: StorageFolder,
  number: number,
  bytes: number,
  randomBytes: (length: number) => Uint8Array,
): Promise<Segment> {
  const name = segmentName(number);
  folder.assertRoom(bytes);
  const file = folder.create(name);
  try {
    const header = encodeHeader(number, bytes, randomBytes(saltBytes));
    await file.fill(0, bytes);
    file.write(header, 0);
    await file.syncNew();
    folder.finish(name);
    await folder.sync();
    return { number, file: file.renamed(folder.pathOf(name)), salt: saltOf(header) };
  } catch (error) {
    file.close();
    folder.discard(name);
    throw error;
  }
}

/** As `createSegment`, for a folder that is new. Holds the thread. */
export function createSegmentNow(
  folder: StorageFolder,
  number: number,
  bytes: number,
  randomBytes: (length: number) => Uint8Array,
): void {
  const content = Buffer.alloc(bytes);
  content.set(encodeHeader(number, bytes, randomBytes(saltBytes)));
  folder.assertRoom(bytes);
  folder.replaceNow(segmentName(number), content);
}

/**
 * Opens a segment, and checks its header.
 *
 * @throws RECORD_DAMAGED, STORE_NEWER, FILE_FAILED
 */
export function openSegment(folder: StorageFolder, number: number, bytes: number): Segment {
  const file = folder.openFile(segmentName(number));
  try {
    const header = Buffer.alloc(segmentHeaderBytes);
    file.readInto(header, 0);
    if (crc32c(header.subarray(0, checkedBytes)) !== header.readUInt32LE(checkedBytes))
      throw damagedFile(file.path, 'the checksum of its header is wrong');
    if (header.toString('latin1', 0, 8) !== magic) throw newerFile(file.path);
    if (header.readDoubleLE(8) !== number) throw damagedFile(file.path, 'it is another segment');
    const found = file.size;
    if (found !== bytes || header.readUInt32LE(32) !== bytes)
      throw damagedFile(file.path, `it has ${found} bytes in place of ${bytes}`);
    return { number, file, salt: saltOf(header) };
  } catch (error) {
    file.close();
    throw error;
  }
}

function encodeHeader(number: number, bytes: number, salt: Uint8Array): Buffer {
  const header = Buffer.alloc(segmentHeaderBytes);
  header.write(magic, 'latin1');
  header.writeDoubleLE(number, 8);
  header.set(salt, 16);
  header.writeUInt32LE(bytes, 32);
  header.writeUInt32LE(crc32c(header.subarray(0, checkedBytes)), checkedBytes);
  return header;
}

function saltOf(header: Buffer): number {
  return crc32c(header.subarray(16, 16 + saltBytes));
}
