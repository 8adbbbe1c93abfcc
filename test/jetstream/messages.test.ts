import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PartAssembly } from '../../src/jetstream/part-assembly';
import {
  decodeMessage,
  encodeMessage,
  maxMessageBytes,
  partsOf,
  type StreamMessage,
} from '../../src/jetstream/stream-message';
import { isRefusedAs } from './refusals';

const message: StreamMessage = {
  kind: 'frame',
  cluster: 'ab'.repeat(16),
  node: 7,
  start: 2,
  number: 3,
  part: 1,
  parts: 1,
  body: Buffer.from('a frame'),
};

/** The messages of one body, in parts of 4 bytes. */
function messagesOf(body: Uint8Array, number: number): StreamMessage[] {
  const bodies = partsOf(body, 4);
  return bodies.map((each, i) => ({ ...message, number, part: i + 1, parts: bodies.length, body: each }));
}

describe('a message of the stream', () => {
  test('is the same after it was encoded and decoded', () => {
    const positive = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const messages = fc.record({
      kind: fc.constantFrom('found', 'frame', 'start', 'remove', 'lease', 'read'),
      cluster: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex')),
      node: positive,
      start: positive,
      number: positive,
      part: fc.integer({ min: 1, max: 300 }),
      parts: fc.integer({ min: 300, max: 20_000 }),
      body: fc.uint8Array(),
    });
    fc.assert(
      fc.property(messages, (each) => {
        const decoded = decodeMessage(encodeMessage(each as StreamMessage));
        expect({ ...decoded, body: [...decoded.body] }).toEqual({ ...each, body: [...each.body] });
      }),
    );
  });

  test('is refused if any byte of it has changed, or its end is missing', () => {
    const bytes = encodeMessage(message);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] as number) ^ 1;
      expect(isRefusedAs('RECORD_DAMAGED', () => decodeMessage(damaged))).toBe(true);
      expect(isRefusedAs('RECORD_DAMAGED', () => decodeMessage(bytes.subarray(0, at)))).toBe(true);
    }
  });

  test('has at most 512 kB, so that a longer body needs several', () => {
    const bodies = partsOf(new Uint8Array(2 * maxMessageBytes));
    expect(bodies).toHaveLength(3);
    for (const body of bodies) expect(encodeMessage({ ...message, body }).length).toBeLessThanOrEqual(maxMessageBytes);
    expect(partsOf(new Uint8Array(0))).toHaveLength(1);
  });
});

describe('the parts of a body', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 13 }), { minLength: 1, maxLength: 5 });

  test('are one body at the index of the first part, whatever was applied when the messages began', () => {
    fc.assert(
      fc.property(bodies, fc.nat(12), (given, skipped) => {
        const all = given.flatMap((body, i) => messagesOf(body, i + 1));
        const applied = Math.min(skipped, all.length);
        const assembly = new PartAssembly(applied);
        const found = all.slice(applied).flatMap((each, i) => assembly.add(applied + i + 1, each) ?? []);
        // Each entry after `applied` is covered once, in order.
        let next = applied + 1;
        for (const { first, last } of found) {
          expect(first).toBe(next);
          next = last + 1;
        }
        expect(next).toBe(all.length + 1);
        const starts = given.map((_, i) => all.findIndex(({ number }) => number === i + 1) + 1);
        const expected = given.filter((_, i) => (starts[i] as number) > applied).map((body) => [...body]);
        expect(found.filter(({ body }) => body !== undefined).map(({ body }) => [...(body ?? [])])).toEqual(expected);
      }),
    );
  });

  test('are refused if another message is between them, or the first one never came', () => {
    const [first, second, third] = messagesOf(Buffer.from('123456789'), 1) as [
      StreamMessage,
      StreamMessage,
      StreamMessage,
    ];
    const between = new PartAssembly(0);
    between.add(1, first);
    expect(isRefusedAs('RECORD_DAMAGED', () => between.add(2, message))).toBe(true);
    const without = new PartAssembly(0);
    without.add(1, first);
    expect(isRefusedAs('RECORD_DAMAGED', () => without.add(2, third))).toBe(true);
    expect(isRefusedAs('RECORD_DAMAGED', () => new PartAssembly(4).add(6, second))).toBe(true);
  });

  test('begin anew when the messages begin again', () => {
    const [first, second] = messagesOf(Buffer.from('123456'), 1) as [StreamMessage, StreamMessage];
    const assembly = new PartAssembly(0);
    assembly.add(1, first);
    assembly.restart(0);
    expect(assembly.add(1, first)).toBeUndefined();
    expect(Buffer.from(assembly.add(2, second)?.body ?? []).toString()).toBe('123456');
  });
});
