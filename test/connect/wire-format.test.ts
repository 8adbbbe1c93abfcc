import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeValue, encodeValue, type LocalOptions } from '../../src/connect/encoding';
import { encodeFrame, FrameReader, ProtocolError } from '../../src/connect/frames';

const transmitted = (value: unknown, deps: LocalOptions = {}) =>
  decodeValue(JSON.parse(JSON.stringify(encodeValue(value, deps))), deps);

const anyValue = fc.anything({
  withNullPrototype: false,
  withSparseArray: false,
  withBigInt: true,
  values: [
    ...[fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined)],
    ...[fc.date({ noInvalidDate: true }), fc.float32Array(), fc.constant('\ud800'), fc.constant('$d')],
  ],
  key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'toJSON', 'constructor', '0', '')),
});

describe('an encoded value', () => {
  test('is decoded to the same value: dates, vectors, numbers that JSON cannot represent, and fields that are undefined', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        deepStrictEqual(transmitted(value), value);
      }),
      { numRuns: 500 },
    );
    // Apart from the others, because two invalid dates differ for `deepStrictEqual` of some versions of Node.
    expect(transmitted([new Date(Number.NaN)])).toStrictEqual([new Date(Number.NaN)]);
  });

  test('that no call accepts is decoded to a value that no call accepts either', () => {
    class Money {
      amount = 5;
    }
    const self: Record<string, unknown> = {};
    self.self = { again: self };
    const sent = {
      call: () => 1,
      symbol: Symbol('s'),
      money: new Money(),
      map: new Map([[1, 2]]),
      doubles: new Float64Array(2),
    };
    const got = transmitted(sent) as Record<keyof typeof sent, unknown>;
    expect([typeof got.call, typeof got.symbol]).toEqual(['function', 'symbol']);
    for (const each of [got.money, got.map, got.doubles]) {
      expect(Object.getPrototypeOf(each)).not.toBe(Object.prototype);
      expect(each).not.toBeInstanceOf(Float32Array);
    }
    const circular = transmitted(self) as { self: { again: unknown } };
    expect(circular.self.again).toBe(circular);
    expect(Object.keys(transmitted({ userId: undefined }) as object)).toEqual(['userId']);
  });

  test('is encoded by reading each of its fields only once', () => {
    let reads = 0;
    const changing = Object.defineProperty({}, 'a', { enumerable: true, get: () => reads++ });
    expect(transmitted([changing, new Date(0)])).toEqual([{ a: 0 }, new Date(0)]);
  });

  test('omits the signal and the progress listener, which stay in the calling process', () => {
    const local: LocalOptions = {};
    const { signal } = new AbortController();
    const onProgress = () => undefined;
    const encoded = encodeValue([{ signal, onProgress, other: onProgress }], local);
    expect(local).toEqual({ signal, onProgress });
    expect(decodeValue(JSON.parse(JSON.stringify(encoded)), local)).toEqual([
      { signal, onProgress, other: expect.any(Function) },
    ]);
  });
});

describe('frames', () => {
  test('are read completely and in order, wherever their bytes are split', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (sent, cuts) => {
          const bytes = Buffer.concat(sent.map((each) => encodeFrame(JSON.stringify(each))));
          const frames = new FrameReader();
          const got: unknown[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = at + (cuts[i % cuts.length] as number);
            frames.push(bytes.subarray(at, end));
            at = end;
            for (let next = frames.next(1_000_000); next !== undefined; next = frames.next(1_000_000)) got.push(next);
          }
          expect(got).toEqual(JSON.parse(JSON.stringify(sent)));
        },
      ),
    );
  });

  test('that are too long or are not JSON are rejected; the reader waits for the rest of an incomplete frame', () => {
    const frames = new FrameReader();
    frames.push(Buffer.from([0, 0, 0]));
    expect(frames.next(10)).toBeUndefined();
    frames.push(Buffer.from([11]));
    expect(() => frames.next(10)).toThrow(ProtocolError);
    const garbage = new FrameReader();
    garbage.push(Buffer.from([0, 0, 0, 2, 0x7b, 0x7b]));
    expect(() => garbage.next(10)).toThrow(ProtocolError);
  });
});
