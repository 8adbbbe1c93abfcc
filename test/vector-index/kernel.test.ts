import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededVectors } from '../../src/testing/vector-source-fixture';
import { ByteVectors, maxDimensions } from '../../src/vector-index/kernel/byte-vectors';
import { bestChunk, dot } from '../../src/vector-index/kernel/dot';
import { type SignQuery, SignVectors, slotsPerPart } from '../../src/vector-index/kernel/sign-vectors';

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
        const [estimate] = vectors.scan(query, Uint32Array.of(3), 1, everyVector, 'proven').estimates;
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
    const [estimate] = vectors.scan(query, Uint32Array.of(0), 1, everyVector, 'proven').estimates;
    expect(estimate).toBeCloseTo(maxDimensions, 0);
    expect(() => new ByteVectors(maxDimensions + 1, 2 ** 20)).toThrow(RangeError);
  });

  test.each(['proven', 'likely'] as const)(
    'finds every vector whose dot product is large enough, and estimates it to within its error (%s)',
    (certainty) => {
      const space = fc.tuple(
        fc.integer({ min: 8, max: 400 }),
        fc.integer(),
        fc.float({ min: -1, max: 1, noNaN: true }),
      );
      fc.assert(
        fc.property(space, ([dimensions, seed, least]) => {
          const random = seededVectors(seed, 41, dimensions);
          const query = random.pop() as Float32Array;
          // Half of the vectors are near the query, so that some are found with any least value.
          const all = random.map((vector, i) => (i % 2 === 0 ? vector : nearer(vector, query, i / 40)));
          const vectors = new ByteVectors(dimensions, 2 ** 20);
          for (const [slot, vector] of all.entries()) vectors.write(slot, vector);
          const slots = Uint32Array.from(all.keys());
          const needs = { least, boost: undefined };
          const found = vectors.scan(vectors.aim(query), slots, slots.length, needs, certainty);
          const places = [...found.places];
          for (const [i, place] of places.entries()) {
            const difference = Math.abs((found.estimates[i] as number) - dot(query, all[place] as Float32Array));
            expect(difference).toBeLessThanOrEqual(found.errors[i] as number);
          }
          const needed = all.flatMap((vector, slot) => (dot(query, vector) >= least ? [slot] : []));
          expect(places).toEqual(expect.arrayContaining(needed));
        }),
      );
    },
  );

  test('finds a vector whose low halves all point to the query, if that must be proven', () => {
    const dimensions = 384;
    // The high halves of all components but the first are the same for both vectors.
    const vectorOf = (low: number) => {
      const bytes = Float32Array.from({ length: dimensions }, (_, i) => (i === 0 ? 127 : low));
      const length = Math.hypot(...bytes);
      return bytes.map((each) => each / length);
    };
    const [query, far] = [vectorOf(15), vectorOf(0)];
    const vectors = new ByteVectors(dimensions, 2 ** 20);
    for (const [slot, vector] of [query, far].entries()) vectors.write(slot, vector);
    const scan = (least: number, certainty: 'proven' | 'likely') => [
      ...vectors.scan(vectors.aim(query), Uint32Array.of(0, 1), 2, { least, boost: undefined }, certainty).places,
    ];
    expect(scan(0.99, 'proven')).toEqual([0]);
    expect(scan(0.99, 'likely')).toEqual([]);
    expect(scan(dot(query, far) - 0.01, 'proven')).toEqual([0, 1]);
  });

  test('finds the vectors that need less because of their scores, and no other', () => {
    const all = seededVectors(13, 600, 64);
    const query = seededVectors(14, 1, 64)[0] as Float32Array;
    // It is needed with any dot product, because it needs nothing above 0.
    all[500] = query.map((each) => -each);
    const vectors = new ByteVectors(64, 2 ** 20);
    for (const [slot, vector] of all.entries()) vectors.write(slot, vector);
    const slots = Uint32Array.from(all.keys());
    const scores = Float32Array.from(all, (_, i) => (i % 3 === 0 ? 0 : i / 50));
    const aimed = vectors.aim(query);
    const every = vectors.scan(aimed, slots, slots.length, everyVector, 'proven');
    const highest = Array.from(every.estimates, (estimate, i) => estimate + (every.errors[i] as number));
    const boost = { scores, weight: 1.2, half: 4 };
    const found = [...vectors.scan(aimed, slots, slots.length, { least: 0.75, boost }, 'proven').places];
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

/** The highest dot products that all vectors may have. */
function highestOf(signs: SignVectors, query: SignQuery, count: number): Float32Array {
  signs.estimate(query, count);
  return signs.highest().slice(0, count);
}

/** The estimates of dot products with all vectors, and by how much each may be too low. */
function estimatesOf(signs: SignVectors, query: Float32Array, count: number) {
  const aimed = signs.aim(query);
  const highest = highestOf(signs, aimed, count);
  const estimates = highestOf(signs, { ...aimed, deviations: 0 }, count);
  return { estimates, errors: highest.map((each, i) => each - (estimates[i] as number)) };
}

function signsOf(vectors: readonly Float32Array[], dimensions: number): SignVectors {
  const signs = new SignVectors(dimensions, 2 ** 20);
  for (const [slot, vector] of vectors.entries()) signs.write(slot, vector);
  return signs;
}

describe('the sign kernel', () => {
  test('estimates a dot product without bias, and to within four standard deviations', () => {
    const dimensions = 200;
    const vectors = seededVectors(3, 1_000, dimensions);
    const signs = signsOf(vectors, dimensions);
    let [tooFar, bias, count] = [0, 0, 0];
    for (const query of seededVectors(4, 20, dimensions)) {
      const { estimates, errors } = estimatesOf(signs, query, vectors.length);
      for (const [i, vector] of vectors.entries()) {
        const difference = (estimates[i] as number) - dot(query, vector);
        bias += difference;
        count++;
        if (Math.abs(difference) > (errors[i] as number)) tooFar++;
      }
    }
    expect(tooFar / count).toBeLessThan(0.005);
    expect(Math.abs(bias / count)).toBeLessThan(0.002);
  });

  test('adds the components of the query with the signs of each vector', () => {
    const space = fc.tuple(fc.integer({ min: 2, max: 70 }), fc.integer({ min: 1, max: 40 }), fc.integer());
    fc.assert(
      fc.property(space, ([dimensions, count, seed]) => {
        const [query, ...vectors] = seededVectors(seed, count + 1, dimensions) as [Float32Array, ...Float32Array[]];
        const { estimates } = estimatesOf(signsOf(vectors, dimensions), query, count);
        const groups = Math.ceil(dimensions / 4);
        for (const [slot, vector] of vectors.entries()) {
          const sum = query.reduce((total, each, i) => total + ((vector[i] as number) < 0 ? -each : each), 0);
          const factor = dot(vector, vector) / vector.reduce((total, each) => total + Math.abs(each), 0);
          // The sums of four components are rounded to 63 steps between the largest and the smallest.
          const rounding = groups * (4 / 63) * Math.max(...query.map(Math.abs));
          expect(Math.abs((estimates[slot] as number) - factor * sum)).toBeLessThanOrEqual(factor * rounding + 1e-5);
        }
      }),
    );
  });

  test('does not overflow with the most dimensions', () => {
    const ones = new Float32Array(maxDimensions).fill(1 / Math.sqrt(maxDimensions));
    const { estimates } = estimatesOf(signsOf([ones, ones.map((each) => -each)], maxDimensions), ones, 2);
    expect(estimates[0]).toBeCloseTo(1, 3);
    expect(estimates[1]).toBeCloseTo(-1, 3);
  });

  test('tells the highest of each part of the vectors, and keeps to the order of the slots', () => {
    const vectors = seededVectors(5, 5_000, 64);
    const signs = signsOf(vectors, 64);
    const query = signs.aim(vectors[4_321] as Float32Array);
    const best = signs.estimate(query, vectors.length).slice();
    const values = highestOf(signs, query, vectors.length);
    expect(values.reduce((at, each, i) => (each > (values[at] as number) ? i : at), 0)).toBe(4_321);
    expect(best).toHaveLength(20);
    for (const [part, most] of best.slice(0, 19).entries()) {
      expect(most).toBe(Math.max(...values.subarray(part * slotsPerPart, (part + 1) * slotsPerPart)));
    }
    expect(best[19]).toBeGreaterThanOrEqual(Math.max(...values.subarray(19 * slotsPerPart)));
  });

  test.each([0, 1, 15, 16, 257, 5_000])('selects the vectors between two values among the first %i', (count) => {
    const vectors = seededVectors(15, 5_000, 64);
    const signs = signsOf(vectors, 64);
    const query = signs.aim(vectors[77] as Float32Array);
    const values = highestOf(signs, query, count);
    const selected = (low: number, high: number) => {
      const slots = new Uint32Array(count);
      return [...slots.subarray(0, signs.select(count, low, high, slots))];
    };
    const between = (low: number, high: number) =>
      [...values.keys()].filter((slot) => (values[slot] as number) >= low && (values[slot] as number) < high);
    const [low, high] = [values[3] ?? 0.3, values[9] ?? 0.5].sort((a, b) => a - b) as [number, number];
    expect(selected(low, high)).toEqual(between(low, high));
    expect(selected(high, Number.POSITIVE_INFINITY)).toEqual(between(high, Number.POSITIVE_INFINITY));
    expect(selected(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toEqual([...values.keys()]);
    expect(selected(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)).toEqual([]);
  });

  test('allows for the rounding of the query if all components of a vector have the same size', () => {
    const dimensions = 384;
    const vectors = seededVectors(9, 300, dimensions).map((vector) =>
      vector.map((each) => (each < 0 ? -1 : 1) / Math.sqrt(dimensions)),
    );
    const signs = signsOf(vectors, dimensions);
    for (const query of seededVectors(10, 30, dimensions)) {
      const cosines = vectors.map((vector) => dot(query, vector));
      const values = highestOf(signs, signs.aim(query), vectors.length);
      expect(cosines.every((cosine, slot) => cosine <= (values[slot] as number))).toBe(true);
    }
  });

  test('estimates 0 for a vector or a query without length', () => {
    const even = new Float32Array(8).fill(0.3);
    const signs = signsOf([new Float32Array(8), even], 8);
    expect(estimatesOf(signs, even, 2).estimates[0]).toBe(0);
    expect(estimatesOf(signs, new Float32Array(8), 2).estimates[1]).toBeCloseTo(0, 10);
  });
});

describe('the compiled kernel', () => {
  test('is the compiled form of its source files', async () => {
    const build = fileURLToPath(new URL('../../src/vector-index/kernel/build.mjs', import.meta.url));
    await promisify(execFile)(process.execPath, [build, '--check']);
  });
});
