import type { Command } from '../domain/command';
import { crc32c } from '../domain/crc32c';
import { invalidInput } from '../domain/errors';
import type { Frame } from '../domain/frame';
import { ByteReader, damagedEntry, newerEntry } from './codec/byte-reader';
import { ByteWriter, maxEntryBytes } from './codec/byte-writer';
import { readCommand, writeCommand } from './codec/command-codec';

/** The maximum number of commands in a frame. */
export const maxFrameCommands = 256;

const magic = Buffer.from('MAMF', 'latin1');
const version = 1;
const clusterBytes = 16;
// In every version, a frame begins with the magic and the version, and ends with the checksum.
const checksumBytes = 4;
const minBytes = magic.length + 1 + checksumBytes;

/**
 * Converts a frame to bytes. The same frame always gives the same bytes.
 *
 * @throws INVALID_INPUT if the frame has more commands, or would have more bytes, than an entry of the log may have
 */
export function encodeFrame({ cluster, incarnation, number, commands }: Frame): Uint8Array {
  if (commands.length === 0 || commands.length > maxFrameCommands) {
    const message = `expected 1 to ${maxFrameCommands} commands in a frame, got ${commands.length}.`;
    throw invalidInput([{ path: ['commands'], message }], 'frame');
  }
  const to = new ByteWriter();
  to.raw(magic);
  to.byte(version);
  to.raw(clusterId(cluster));
  to.number(checkedNumber(incarnation.node));
  to.number(checkedNumber(incarnation.start));
  to.number(checkedNumber(number));
  to.count(commands.length);
  for (const command of commands) writeCommand(to, command);
  to.uint32(crc32c(to.written()));
  return to.written();
}

/**
 * Converts bytes to the frame from which they were made. Any bytes may be passed: those that `encodeFrame` has not made are refused. A
 * node must stop at such an entry, because the other nodes may have applied it.
 *
 * @throws RECORD_DAMAGED, STORE_NEWER if a newer release has written the frame
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  const from = new ByteReader(openedFrame(bytes));
  const cluster = from.hex(clusterBytes);
  const node = readNumber(from);
  const incarnation = { node, start: readNumber(from) };
  const number = readNumber(from);
  const count = from.length();
  if (count === 0 || count > maxFrameCommands) throw damagedEntry('it has no valid number of commands');
  const commands: Command[] = [];
  for (let i = 0; i < count; i++) commands.push(readCommand(from));
  from.end();
  return { cluster, incarnation, number, commands };
}

/** Checks the length, the magic, the checksum and the version, and returns the bytes between. */
function openedFrame(bytes: Uint8Array): Uint8Array {
  if (bytes.length < minBytes) throw damagedEntry('it ends too early');
  if (bytes.length > maxEntryBytes) throw damagedEntry(`it has more than ${maxEntryBytes} bytes`);
  if (!magic.every((byte, i) => bytes[i] === byte)) throw damagedEntry('it is not a frame');
  const end = bytes.length - checksumBytes;
  const checksum = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
  if (checksum !== crc32c(bytes.subarray(0, end))) throw damagedEntry('its checksum is wrong');
  const found = bytes[magic.length];
  if (found !== version) throw newerEntry(`version ${found}`);
  return bytes.subarray(magic.length + 1, end);
}

function clusterId(id: string): Uint8Array {
  const bytes = Buffer.from(id, 'hex');
  if (bytes.length !== clusterBytes || bytes.toString('hex') !== id)
    throw new TypeError(`The id of a cluster must have ${clusterBytes * 2} hexadecimal digits.`);
  return bytes;
}

function checkedNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError('Nodes, starts and frames are numbered from 1.');
  return value;
}

function readNumber(from: ByteReader): number {
  const value = from.number();
  if (!Number.isSafeInteger(value) || value < 1) throw damagedEntry('a number is not an integer from 1');
  return value;
}
