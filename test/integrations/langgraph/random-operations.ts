import type { Operation } from '@langchain/langgraph-checkpoint';
import fc from 'fast-check';

const label = fc.constantFrom('a', 'b', 'ab', 'a b', '*', 'ä', 'B');
const namespace = fc.array(label, { minLength: 1, maxLength: 3 });
const key = fc.constantFrom('k', 'l', 'a', 'k:l', '');
const scalar = fc.oneof(
  fc.constantFrom<unknown>('x', 'y', '', 0, 1, 1.5, -2, 1e21, true, false, null, '1', '0', 'true', 'null'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
  fc.string(),
);
const any = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('p', 'q', '$eq'), scalar) },
);
const number = fc.oneof(fc.integer({ min: -2, max: 3 }), fc.constantFrom(0.1, 0.2, 1e-7, 9007199254740991));
/** Only the field `n` is compared by order, and only with numbers. The guide lists the differences for other types. */
export const value = fc
  .record(
    { n: number, s: any, t: scalar, 'a.b': scalar, '': scalar, nested: fc.record({ s: scalar }) },
    { requiredKeys: [] },
  )
  .map((given) => given as Record<string, unknown>);

// Only scalars: InMemoryStore never treats two lists or objects as equal.
const comparison = fc.oneof(
  scalar,
  fc.record({ $eq: scalar }),
  fc.record({ $ne: scalar }),
  fc.record({ $in: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ $nin: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ $ne: scalar, $nin: fc.array(scalar, { maxLength: 2 }) }),
);
const order = fc
  .record({ $gt: number, $gte: number, $lt: number, $lte: number }, { requiredKeys: [] })
  .filter((given) => Object.keys(given).length > 0);
/** A random filter over the fields of the random values. */
export const filter = fc.record(
  {
    n: fc.oneof(order, comparison),
    s: comparison,
    t: comparison,
    'a.b': comparison,
    '': comparison,
    absent: comparison,
  },
  { requiredKeys: [] },
);

const limit = fc.oneof(fc.constant(undefined), fc.nat({ max: 5 }));
const offset = fc.oneof(fc.constant(undefined), fc.nat({ max: 3 }));
const condition = fc.record({
  matchType: fc.constantFrom('prefix' as const, 'suffix' as const),
  path: fc.array(label, { maxLength: 3 }),
});

function given(record: object): Operation {
  return Object.fromEntries(Object.entries(record).filter(([, each]) => each !== undefined)) as unknown as Operation;
}

/** A random operation, most often a put. */
export const operation: fc.Arbitrary<Operation> = fc.oneof<fc.WeightedArbitrary<Operation>[]>(
  {
    weight: 6,
    arbitrary: fc
      .record({ namespace, key, value, index: fc.constantFrom<undefined | false | string[]>(undefined, false, ['s']) })
      .map(given),
  },
  { weight: 2, arbitrary: fc.record({ namespace, key, value: fc.constant(null) }) },
  { weight: 2, arbitrary: fc.record({ namespace, key }) },
  {
    weight: 3,
    arbitrary: fc
      .record({
        namespacePrefix: fc.array(label, { maxLength: 2 }),
        filter: fc.oneof(fc.constant(undefined), filter),
        limit,
        offset,
      })
      .map(given),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        matchConditions: fc.array(condition, { maxLength: 2 }),
        maxDepth: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 3 })),
        limit: fc.nat({ max: 6 }),
        offset: fc.nat({ max: 2 }),
      })
      .map(given),
  },
);
