import type { Command } from '../domain/command';
import { crc32c } from '../domain/crc32c';
import { invalidInput } from '../domain/errors';
import type { Frame } from '../domain/frame';
import { ByteReader, damagedEntry, newerEntry } from './codec/byte-reader';
import { ByteWriter, entryTooLong, maxEntryBytes } from './codec/byte-writer';
import { readCommand, writeCommand } from './codec/command-codec';

/** The maximum number of commands in a frame. */
export const maxFrameCommands = 256;

const magic = Buffer.from('MAMF', 'latin1');
const version = 1;
const clusterBytes = 16;
// In every version, a frame begins with the magic and the version, and ends with the checksum.
const checksumBytes = 4;
const minBytes = magic.length + 1 + checksumBytes;

// Without the number of commands, which takes one byte if the frame has few, and at most two.
const headerBytes = magic.length + 1 + clusterBytes + 3 * 8;
const maxCommandBytes = maxEntryBytes - headerBytes - 1 - checksumBytes;

/** The number of bytes that several commands of a frame may have together. One alone may have one more. */
export const maxFrameCommandBytes = maxCommandBytes - 1;

/** A frame whose commands are encoded. */
export type EncodedFrame = Omit<Frame, 'commands'> & { readonly commands: readonly Uint8Array[] };

/**
 * Converts a frame to bytes. The same frame always gives the same bytes.
 *
 * @throws INVALID_INPUT if the frame has more commands, or would have more bytes, than an entry of the log may have
 */
export function encodeFrame(frame: Frame): Uint8Array {
  return joinFrame({ ...frame, commands: frame.commands.map(encodeCommand) });
}

/**
 * Converts a command to the bytes that it has in a frame.
 *
 * @throws INVALID_INPUT if no frame can hold the command
 */
export function encodeCommand(command: Command): Uint8Array {
  const to = new ByteWriter();
  writeCommand(to, command);
  const bytes = to.written();
  if (bytes.length > maxCommandBytes) throw entryTooLong(maxEntryBytes);
  // The writer has up to twice the memory. Commands wait, so they keep only what they need.
  return Uint8Array.prototype.slice.call(bytes);
}

/**
 * Puts encoded commands into a frame.
 *
 * @throws INVALID_INPUT if the frame has more commands, or would have more bytes, than an entry of the log may have
 */
export function joinFrame({ cluster, incarnation, number, commands }: EncodedFrame): Uint8Array {
  if (commands.length === 0 || commands.length > maxFrameCommands) {
    const message = `expected 1 to ${maxFrameCommands} commands in a frame, got ${commands.length}.`;
    throw invalidInput([{ path: ['commands'], message }], 'frame');
  }
  const header = new ByteWriter();
  header.raw(magic);
  header.byte(version);
  header.raw(clusterId(cluster));
  header.number(checkedNumber(incarnation.node));
  header.number(checkedNumber(incarnation.start));
  header.number(checkedNumber(number));
  header.count(commands.length);
  const length = commands.reduce((sum, each) => sum + each.length, header.written().length);
  if (length + checksumBytes > maxEntryBytes) throw entryTooLong(maxEntryBytes);
  const frame = Buffer.allocUnsafeSlow(length + checksumBytes);
  let at = 0;
  for (const part of [header.written(), ...commands]) {
    frame.set(part, at);
    at += part.length;
  }
  frame.writeUInt32LE(crc32c(frame.subarray(0, length)), length);
  return frame;
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
