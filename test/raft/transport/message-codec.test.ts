import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader } from '../../../src/log/codec/byte-reader';
import type { PeerMessage } from '../../../src/raft/core/messages';
import { messageBytes, readMessage, writeMessage } from '../../../src/raft/transport/message-codec';
import { frameType, maxWireBytes, WireError, WireReader, wireFrame } from '../../../src/raft/transport/wire-frames';
import { anyMessage, messageKinds } from './message-arbitraries';

describe('the codec of messages', () => {
  test('keeps every message', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const again = decode(encoded(message));
        expect(again).toEqual(message);
        expect(Buffer.compare(encoded(again), encoded(message))).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is tested with every kind', () => {
    const kinds = fc.sample(anyMessage, { numRuns: 1_000, seed: 1 }).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(messageKinds));
  });

  test('refuses bytes that it has not written, with WireError and no other error', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.integer({ min: 1, max: 255 }), (message, at, flip) => {
        const bytes = encoded(message).slice();
        bytes[at % bytes.length]! ^= flip;
        const again = decodedOrRefused(bytes);
        // What it accepts after a flip is another message with exactly these bytes: nothing is read over.
        if (again !== undefined) expect(Buffer.compare(encoded(again), bytes)).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('refuses messages that are cut or too long, and random bytes', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), (message, length) => {
        const bytes = encoded(message);
        expect(decodedOrRefused(bytes.subarray(0, length % bytes.length))).toBeUndefined();
        expect(decodedOrRefused(Buffer.concat([bytes, Buffer.of(0)]))).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void decodedOrRefused(bytes)),
      { numRuns: 2_000 },
    );
  });

  test('reserves no memory for lengths that the bytes do not have', () => {
    // An append that says that it has 2^31 - 1 entries.
    const message: PeerMessage = {
      ...{ kind: 'append', from: 1, to: 2, term: 1 },
      ...{ previousIndex: 0, previousTerm: 0, commit: 0, entries: [] },
    };
    const bytes = Buffer.concat([encoded(message).subarray(0, -1), Buffer.of(255, 255, 255, 255, 7)]);
    expect(decodedOrRefused(bytes)).toBeUndefined();
  });
});

describe('a frame', () => {
  test('arrives whole, in pieces of any length', () => {
    fc.assert(
      fc.property(
        fc.array(anyMessage, { maxLength: 5 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        (all, sizes) => {
          const stream = Buffer.concat(all.map(framed));
          const reader = new WireReader(maxWireBytes);
          const found: PeerMessage[] = [];
          for (let at = 0; at < stream.length; ) {
            const size = sizes.next().value as number;
            reader.push(stream.subarray(at, at + size));
            at += size;
            for (let next = reader.next(); next !== undefined; next = reader.next()) {
              expect(next.type).toBe(frameType.message);
              found.push(decode(next.body));
            }
          }
          expect(found).toEqual(all);
          expect(reader.bytes).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('is refused if any bit of it is flipped', () => {
    const frame = framed({ kind: 'heartbeat', from: 1, to: 2, term: 3, commit: 4, readRound: 5 });
    for (let bit = 0; bit < frame.length * 8; bit += 1) {
      const bytes = Buffer.from(frame);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const reader = new WireReader(maxWireBytes);
      reader.push(bytes);
      // A length that has grown makes the reader wait, which a time-out ends. It never gives a frame.
      expect(orRefused(() => reader.next())).toBeUndefined();
    }
  });

  test('is refused as soon as its length is known to be too large', () => {
    const reader = new WireReader(4_096);
    reader.push(wireFrame(frameType.hello, (to) => to.raw(new Uint8Array(4_096))).subarray(0, 8));
    expect(() => reader.next()).toThrow(WireError);
  });
});

function encoded(message: PeerMessage): Buffer {
  return framed(message).subarray(9);
}

function framed(message: PeerMessage): Buffer {
  return wireFrame(frameType.message, (to) => writeMessage(to, message), messageBytes(message));
}

function decode(bytes: Uint8Array): PeerMessage {
  return readMessage(new ByteReader(bytes));
}

function decodedOrRefused(bytes: Uint8Array): PeerMessage | undefined {
  return orRefused(() => decode(bytes));
}

function orRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(WireError);
    return undefined;
  }
}
