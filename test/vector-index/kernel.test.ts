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

const everyVector = { least: Number.NEGATIVE_INFINITY, boost: undefined };

/** A vector of length 1 between two others: `share` of the second. */
function nearer(vector: Float32Array, other: Float32Array, share: number): Float32Array {
  const mixed = vector.map((each, i) => (1 - share) * each + share * (other[i] as number));
  const length = Math.hypot(...mixed);
  return length === 0 ? vector : mixed.map((each) => each / length);
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
        const [estimate] = vectors.scan(query, Uint32Array.of(3), 1, everyVector).estimates;
        // Half a step for each component, where the largest is 127 steps, and a sixteenth of that for the query.
        const step = Math.max(...a.map(Math.abs)) / 127;
        const bound = b.reduce((total, x) => total + Math.abs(x) + 1 / 2047, 0) * step * 0.6 + 1e-3;
        expect(Math.abs((estimate as number) - dot(a, b))).toBeLessThanOrEqual(bound);
      }),
    );
  });

  test('does not overflow with the largest components in the most dimensions', () => {
    const vectors = new ByteVectors(maxDimensions, 2 ** 20);
    const ones = new Float32Array(maxDimensions).fill(1);
    vectors.write(0, ones);
    const query = vectors.aim(ones);
    const [estimate] = vectors.scan(query, Uint32Array.of(0), 1, everyVector).estimates;
    expect(estimate).toBeCloseTo(maxDimensions, 0);
    expect(() => new ByteVectors(maxDimensions + 1, 2 ** 20)).toThrow(RangeError);
  });

  test('finds every vector whose dot product is large enough, and estimates it to within its error', () => {
    const space = fc.tuple(fc.integer({ min: 8, max: 400 }), fc.integer(), fc.float({ min: -1, max: 1, noNaN: true }));
    fc.assert(
      fc.property(space, ([dimensions, seed, least]) => {
        const random = seededVectors(seed, 41, dimensions);
        const query = random.pop() as Float32Array;
        // Half of the vectors are near the query, so that some are found with any least value.
        const all = random.map((vector, i) => (i % 2 === 0 ? vector : nearer(vector, query, i / 40)));
        const vectors = new ByteVectors(dimensions, 2 ** 20);
        for (const [slot, vector] of all.entries()) vectors.write(slot, vector);
        const slots = Uint32Array.from(all.keys());
        const found = vectors.scan(vectors.aim(query), slots, slots.length, { least, boost: undefined });
        const places = [...found.places];
        for (const [i, place] of places.entries()) {
          const difference = Math.abs((found.estimates[i] as number) - dot(query, all[place] as Float32Array));
          expect(difference).toBeLessThanOrEqual(found.errors[i] as number);
        }
        const needed = all.flatMap((vector, slot) => (dot(query, vector) >= least ? [slot] : []));
        expect(places).toEqual(expect.arrayContaining(needed));
      }),
    );
  });
});

describe.each([
  ['byte', ByteVectors],
  ['sign', SignVectors],
] as const)('the %s kernel with a boost', (_, Vectors) => {
  test('finds the vectors that need less because of their scores, and no other', () => {
    const all = seededVectors(13, 600, 64);
    const query = seededVectors(14, 1, 64)[0] as Float32Array;
    // It is needed with any dot product, because it needs nothing above 0.
    all[500] = query.map((each) => -each);
    const vectors = new Vectors(64, 2 ** 20);
    for (const [slot, vector] of all.entries()) vectors.write(slot, vector);
    const slots = Uint32Array.from(all.keys());
    const scores = Float32Array.from(all, (_, i) => (i % 3 === 0 ? 0 : i / 50));
    const aimed = vectors.aim(query) as never;
    const every = vectors.scan(aimed, slots, slots.length, everyVector);
    const highest = Array.from(every.estimates, (estimate, i) => estimate + (every.errors[i] as number));
    const boost = { scores, weight: 1.2, half: 4 };
    const found = [...vectors.scan(aimed, slots, slots.length, { least: 0.75, boost }).places];
    const needs = Array.from(scores, (score) => 0.75 - (1.2 * score) / (score + 4));
    // Numbers of 32 bits decide about the others.
    const isNear = (i: number) => Math.abs((highest[i] as number) - (needs[i] as number)) < 1e-5;
    const expected = [...slots].filter(
      (i) => (needs[i] as number) <= 0 || (highest[i] as number) >= (needs[i] as number),
    );
    expect(found.filter((i) => !isNear(i))).toEqual(expected.filter((i) => !isNear(i)));
    expect(highest[500]).toBeLessThan(0);
    expect(found).toContain(500);
    expect(found.length).toBeLessThan(slots.length);
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
      const found = signs.scan(signs.aim(query), slots, slots.length, everyVector);
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
    const all = signs.scan(query, slots, slots.length, everyVector);
    const highest = Array.from(all.estimates, (estimate, i) => Math.fround(estimate + (all.errors[i] as number)));
    const found = [...signs.scan(query, slots, slots.length, { least: 0.5, boost: undefined }).places];
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
      const found = new Set(signs.scan(signs.aim(query), slots, slots.length, { least, boost: undefined }).places);
      expect(cosines.every((cosine, slot) => cosine < least || found.has(slot))).toBe(true);
    }
  });

  test('estimates 0 for a vector or a query without length', () => {
    const signs = new SignVectors(8, 2 ** 16);
    signs.write(0, new Float32Array(8));
    signs.write(1, new Float32Array(8).fill(0.3));
    const estimate = (slot: number, query: Float32Array) =>
      signs.scan(signs.aim(query), Uint32Array.of(slot), 1, everyVector).estimates[0];
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
