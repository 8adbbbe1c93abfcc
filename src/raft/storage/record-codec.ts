import { crc32c } from '../../domain/crc32c';
import type { Entry } from '../core/entry';
import { decodeChange, encodeChange } from './change-codec';

/**
 * A record holds one entry. All numbers are little-endian:
 *
 * | at | bytes | content |
 * |---|---|---|
 * | 0 | 4 | the length of the record with its body; 0 where no record was written |
 * | 4 | 4 | the type: 1 for data, 2 for a change of the members |
 * | 8 | 8 | the index |
 * | 16 | 8 | the term |
 * | 24 | 8 | the position up to which the log was durable when the record was written |
 * | 32 | 8 | the position of the record before; 0 for the first |
 * | 40 | 4 | the CRC32C of the body |
 * | 44 | 4 | the CRC32C of the bytes before |
 * | 48 | | the body |
 *
 * The next record begins at a multiple of 8. A position is the number of a segment times the size of a segment, plus an offset. Both
 * checksums depend on the segment's salt and on the offset: neither old bytes of the disk nor a text that looks like a record pass for one.
 *
 * The position that was durable tells a torn write from damage. A power cut may leave any part of what was not synced, also a later part
 * without an earlier one. But a record that was written after the sync of another one proves that the other one was complete.
 */
export interface RecordHeader {
  readonly length: number;
  readonly type: number;
  readonly index: number;
  readonly term: number;
  readonly durableEnd: number;
  readonly previous: number;
  readonly bodyChecksum: number;
}

export const headerBytes = 48;
const alignment = 8;
const dataType = 1;
const changeType = 2;

/** What the checksums of a record depend on besides its bytes. */
export interface RecordPlace {
  readonly salt: number;
  readonly offset: number;
}

/** The bytes that a record of this length takes in the segment. */
export function alignedLength(length: number): number {
  return Math.ceil(length / alignment) * alignment;
}

/** The body of an entry's record. */
export function bodyOf(entry: Entry): Uint8Array {
  return entry.kind === 'normal' ? entry.data : encodeChange(entry.change);
}

/** Writes a record at the start of `target`, whose bytes are 0. */
export function writeRecord(
  target: Buffer,
  entry: Entry,
  body: Uint8Array,
  links: { readonly durableEnd: number; readonly previous: number },
  { salt, offset }: RecordPlace,
): void {
  const seed = (salt ^ offset) >>> 0;
  target.writeUInt32LE(headerBytes + body.length, 0);
  target.writeUInt32LE(entry.kind === 'normal' ? dataType : changeType, 4);
  target.writeDoubleLE(entry.index, 8);
  target.writeDoubleLE(entry.term, 16);
  target.writeDoubleLE(links.durableEnd, 24);
  target.writeDoubleLE(links.previous, 32);
  target.writeUInt32LE(crc32c(body, seed), 40);
  target.writeUInt32LE(crc32c(target.subarray(0, 44), seed), 44);
  target.set(body, headerBytes);
}

/** The header of the record at `at` of `bytes`, if its checksum holds. Its body may be damaged, or reach beyond `bytes`. */
export function headerAt(bytes: Buffer, at: number, { salt, offset }: RecordPlace): RecordHeader | undefined {
  if (at + headerBytes > bytes.length) return undefined;
  const length = bytes.readUInt32LE(at);
  // Cheap tests first: a search for records tries each multiple of 8.
  if (length < headerBytes) return undefined;
  const type = bytes.readUInt32LE(at + 4);
  if (type === 0 || type > 255) return undefined;
  const seed = (salt ^ offset) >>> 0;
  if (bytes.readUInt32LE(at + 44) !== crc32c(bytes.subarray(at, at + 44), seed)) return undefined;
  return {
    length,
    type,
    index: bytes.readDoubleLE(at + 8),
    term: bytes.readDoubleLE(at + 16),
    durableEnd: bytes.readDoubleLE(at + 24),
    previous: bytes.readDoubleLE(at + 32),
    bodyChecksum: bytes.readUInt32LE(at + 40),
  };
}

/** Whether the whole record is in `bytes` and its body is what was written. */
export function isBodyIntact(bytes: Buffer, at: number, header: RecordHeader, { salt, offset }: RecordPlace): boolean {
  if (at + header.length > bytes.length) return false;
  return crc32c(bytes.subarray(at + headerBytes, at + header.length), (salt ^ offset) >>> 0) === header.bodyChecksum;
}

/** The entry of an intact record. It shares memory with `bytes`. Undefined if this release does not know its type. */
export function entryAt(bytes: Buffer, at: number, { index, term, type, length }: RecordHeader): Entry | undefined {
  const { buffer, byteOffset } = bytes;
  // Not a Buffer, whose `slice` makes no copy.
  const body = new Uint8Array(buffer, byteOffset + at + headerBytes, length - headerBytes);
  if (type === dataType) return { kind: 'normal', index, term, data: body };
  const change = type === changeType ? decodeChange(body) : undefined;
  return change === undefined ? undefined : { kind: 'configuration', index, term, change };
}
