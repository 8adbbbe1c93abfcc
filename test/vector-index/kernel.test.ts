import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededVectors } from '../../src/testing/vector-source-fixture';
import { ByteVectors, maxDimensions } from '../../src/vector-index/kernel/byte-vectors';
import { bestChunk, dot } from '../../src/vector-index/kernel/dot';

const component = fc.float({ min: -1, max: 1, noNaN: true });
const pair = fc.integer({ min: 1, max: 400 }).chain((length) => fc.tuple(vectorOf(length), vectorOf(length)));

function vectorOf(length: number): fc.Arbitrary<Float32Array> {
  return fc.array(component, { minLength: length, maxLength: length }).map((values) => Float32Array.from(values));
}

describe('the scoring kernel', () => {
  test('returns the sum of the products', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const sum = a.reduce((total, x, i) => total + x * (b[i] as number), 0);
        expect(dot(a, b)).toBeCloseTo(sum, 10);
      }),
    );
  });

  test('returns the same bits if its arguments are swapped', () => {
    fc.assert(fc.property(pair, ([a, b]) => dot(a, b) === dot(b, a)));
  });

  test('throws a RangeError for vectors of different lengths', () => {
    expect(() => dot(new Float32Array(3), new Float32Array(4))).toThrow(RangeError);
  });

  test('returns the cosine of the best chunk of a row', () => {
    const [query, other] = seededVectors(1, 2, 16) as [Float32Array, Float32Array];
    expect(bestChunk(query, [other, query])).toBe(dot(query, query));
  });
});

describe('the byte kernel', () => {
  test('estimates a dot product to within the error of rounding components to bytes', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const vectors = new ByteVectors(a.length, 2 ** 16);
        vectors.write(3, a);
        const query = vectors.aim(b);
        const [sum] = vectors.scan(query, Uint32Array.of(3), 1);
        // Half a step for each component, where the largest is 127 steps, and a sixteenth of that for the query.
        const step = Math.max(...a.map(Math.abs)) / 127;
        const bound = b.reduce((total, x) => total + Math.abs(x) + 1 / 2047, 0) * step * 0.6 + 1e-3;
        expect(Math.abs((sum as number) * query.scale - dot(a, b))).toBeLessThanOrEqual(bound);
      }),
    );
  });

  test('does not overflow with the largest components in the most dimensions', () => {
    const vectors = new ByteVectors(maxDimensions, 2 ** 20);
    const ones = new Float32Array(maxDimensions).fill(1);
    vectors.write(0, ones);
    const query = vectors.aim(ones);
    const [sum] = vectors.scan(query, Uint32Array.of(0), 1);
    expect((sum as number) * query.scale).toBeCloseTo(maxDimensions, 0);
    expect(() => new ByteVectors(maxDimensions + 1, 2 ** 20)).toThrow(RangeError);
  });

  test('is the compiled form of its source file', async () => {
    const build = fileURLToPath(new URL('../../src/vector-index/kernel/build.mjs', import.meta.url));
    await promisify(execFile)(process.execPath, [build, '--check']);
  });
});
