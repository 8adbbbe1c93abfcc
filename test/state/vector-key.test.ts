import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkOf, maxChunks, rowOf, vectorKey } from '../../src/state/tables/vector-table';

const spaces = fc.integer({ min: 0, max: 2 ** 9 - 1 });
const rows = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const chunks = fc.integer({ min: 0, max: maxChunks - 1 });
const address = fc.tuple(spaces, rows, chunks);

test('a vector key is a safe integer that contains the row and the chunk', () => {
  fc.assert(
    fc.property(address, ([space, row, chunk]) => {
      const key = vectorKey(space, row, chunk);
      expect(Number.isSafeInteger(key)).toBe(true);
      expect([rowOf(key), chunkOf(key)]).toEqual([row, chunk]);
    }),
  );
});

test('vector keys sort by space, then row, then chunk, so that the vectors of a memory are adjacent', () => {
  const order = (a: readonly number[], b: readonly number[]) =>
    a.map((x, i) => x - (b[i] as number)).find((d) => d !== 0) ?? 0;
  fc.assert(
    fc.property(address, address, (a, b) => {
      expect(Math.sign(vectorKey(...a) - vectorKey(...b))).toBe(Math.sign(order(a, b)));
    }),
  );
});

test('vectorKey throws for a number out of range, so that it never returns the key of another vector', () => {
  const wrong: [number, number, number][] = [
    [2 ** 9, 1, 0],
    [1, 2 ** 32, 0],
    [1, 1, maxChunks],
    [-1, 1, 0],
    [1, -1, 0],
    [1, 1, -1],
    [Number.NaN, 1, 0],
  ];
  for (const each of wrong) expect(() => vectorKey(...each)).toThrow(RangeError);
});
