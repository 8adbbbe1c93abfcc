import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededVectors } from '../../src/testing/vector-source-fixture';
import { ByteVectors, maxDimensions } from '../../src/vector-index/kernel/byte-vectors';
import { bestChunk, dot } from '../../src/vector-index/kernel/dot';
import { SignVectors } from '../../src/vector-index/kernel/sign-vectors';

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
});

describe('the sign kernel', () => {
  test('estimates a dot product without bias, and to within four standard deviations', () => {
    const dimensions = 200;
    const vectors = seededVectors(3, 1_000, dimensions);
    const signs = new SignVectors(dimensions, 2 ** 20);
    for (const [slot, vector] of vectors.entries()) signs.write(slot, vector);
    const slots = Uint32Array.from(vectors.keys());
    let [tooFar, bias, count] = [0, 0, 0];
    for (const query of seededVectors(4, 20, dimensions)) {
      const found = signs.scan(signs.aim(query), slots, slots.length, Number.NEGATIVE_INFINITY);
      expect(found.count).toBe(vectors.length);
      for (let i = 0; i < found.count; i++) {
        const place = found.places[i] as number;
        const difference = (found.estimates[i] as number) - dot(query, vectors[place] as Float32Array);
        bias += difference;
        count++;
        if (Math.abs(difference) > (found.errors[i] as number)) tooFar++;
      }
    }
    expect(tooFar / count).toBeLessThan(0.005);
    expect(Math.abs(bias / count)).toBeLessThan(0.002);
  });

  test('finds the vectors whose estimate and error together reach the least value, and no other', () => {
    const vectors = seededVectors(5, 500, 64);
    const signs = new SignVectors(64, 2 ** 20);
    for (const [slot, vector] of vectors.entries()) signs.write(slot, vector);
    const slots = Uint32Array.from(vectors.keys());
    const query = signs.aim(seededVectors(6, 1, 64)[0] as Float32Array);
    const all = signs.scan(query, slots, slots.length, Number.NEGATIVE_INFINITY);
    const highest = Array.from(all.estimates, (estimate, i) => Math.fround(estimate + (all.errors[i] as number)));
    const found = [...signs.scan(query, slots, slots.length, 0.5).places];
    expect(found.length).toBeGreaterThan(0);
    expect(found).toEqual([...slots].filter((i) => (highest[i] as number) >= 0.5));
  });

  test('allows for the rounding of the query if all components of a vector have the same size', () => {
    const dimensions = 384;
    const vectors = seededVectors(9, 300, dimensions).map((vector) =>
      vector.map((each) => (each < 0 ? -1 : 1) / Math.sqrt(dimensions)),
    );
    const signs = new SignVectors(dimensions, 2 ** 20);
    for (const [slot, vector] of vectors.entries()) signs.write(slot, vector);
    const slots = Uint32Array.from(vectors.keys());
    for (const query of seededVectors(10, 30, dimensions)) {
      const cosines = vectors.map((vector) => dot(query, vector));
      const least = [...cosines].sort((a, b) => b - a)[9] as number;
      const found = new Set(signs.scan(signs.aim(query), slots, slots.length, least).places);
      expect(cosines.every((cosine, slot) => cosine < least || found.has(slot))).toBe(true);
    }
  });

  test('estimates 0 for a vector or a query without length', () => {
    const signs = new SignVectors(8, 2 ** 16);
    signs.write(0, new Float32Array(8));
    signs.write(1, new Float32Array(8).fill(0.3));
    const estimate = (slot: number, query: Float32Array) =>
      signs.scan(signs.aim(query), Uint32Array.of(slot), 1, Number.NEGATIVE_INFINITY).estimates[0];
    expect(estimate(0, new Float32Array(8).fill(0.3))).toBe(0);
    expect(estimate(1, new Float32Array(8))).toBe(0);
  });
});

describe('the compiled kernel', () => {
  test('is the compiled form of its source files', async () => {
    const build = fileURLToPath(new URL('../../src/vector-index/kernel/build.mjs', import.meta.url));
    await promisify(execFile)(process.execPath, [build, '--check']);
  });
});
