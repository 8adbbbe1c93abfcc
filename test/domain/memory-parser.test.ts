import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultLimits } from '../../src/domain/limits';
import { memoryParser } from '../../src/domain/parse/memory-parser';
import { newMemoryShape } from '../../src/domain/parse/parse-memory';
import { issuesOf } from '../../src/domain/parse/shapes';

const limits = { ...defaultLimits, textBytes: 60, nameBytes: 12, metadataBytes: 120, tags: 3, namespaceDepth: 3 };
const text = fc.oneof(
  fc.constantFrom('', ' ', '\n', 'plain', 'x'.repeat(20), 'x'.repeat(60), 'x'.repeat(61), 'é'.repeat(31), '\ud800'),
  fc.string({ unit: fc.constantFrom(...'ab Z~\t\u200b\u0301é😀\ud800'), maxLength: 14 }),
);
const other = fc.constantFrom<unknown>(undefined, null, 0, Number.NaN, true, [], {}, new Map(), new Date(Number.NaN));
const name = fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: other });
const names = fc.oneof(fc.array(name, { maxLength: 5 }), other);
const time = fc.oneof(
  fc.constantFrom<unknown>(new Date(0), new Date('2026-01-01'), 1, 1_700_000_000_000, '2026-01-01T00:00:00Z', 'today'),
  other,
);
const key = fc.constantFrom('a', 'b', '__proto__', 'constructor', '1', '\ud800', '\udc00', 'x'.repeat(30));
const value = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.double(), text, other);
const metadata = fc.oneof(fc.dictionary(key, value, { maxKeys: 4 }), other);
const vector = fc.oneof(fc.float32Array({ maxLength: 3 }), fc.constant(Float32Array.of(1, 2)), other);
const usual = {
  text: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('a text', 'another') }, { weight: 1, arbitrary: name }),
};
const given = fc.record(
  {
    ...usual,
    namespace: names,
    tags: names,
    metadata,
    vector,
    kind: fc.constantFrom<unknown>('semantic', 'episodic', 'unknown', undefined),
    priority: fc.oneof(fc.double({ min: -0.2, max: 1.2 }), other),
    userId: name,
    sessionId: name,
    key: name,
    idempotencyKey: name,
    validFrom: time,
    validTo: time,
    expiresAt: time,
    visibility: fc.constantFrom<unknown>('shared', 'private', undefined),
    accessTags: names,
    source: fc.constantFrom<unknown>({ channel: 'agent' }, {}),
    supersedes: name,
    embed: fc.constantFrom<unknown>(false, true),
    unknown: other,
  },
  { requiredKeys: [], noNullPrototype: true },
);

test('a memory is parsed as its schema parses it, with the same issues', () => {
  const parse = memoryParser(limits);
  const shape = newMemoryShape(limits);
  const resultOf = ({ success, data, error }: ReturnType<typeof parse>) =>
    success ? { data } : { issues: issuesOf(error) };
  // One field beside the text, so that many are valid.
  const one = fc
    .tuple(given, usual.text, fc.constantFrom('namespace', 'metadata', 'userId', 'vector', 'validFrom', 'tags', 'key'))
    .map(([all, text, field]) => ({ text, [field]: (all as Record<string, unknown>)[field] ?? null }));
  let valid = 0;
  fc.assert(
    fc.property(fc.oneof({ weight: 3, arbitrary: one }, { weight: 1, arbitrary: given }), (input) => {
      const expected = resultOf(shape.safeParse(input));
      // Vitest takes a field with the name `constructor` for the class of an object.
      assert.deepEqual(resultOf(parse(input)), expected);
      if ('data' in expected) valid++;
    }),
    { numRuns: 1_000 },
  );
  // About 160. Without valid input the comparison would prove little.
  expect(valid).toBeGreaterThan(50);
});

test('a parsed memory has copies of what the caller may change later', () => {
  const input = { text: 'a', namespace: ['a'], tags: ['t'], metadata: { a: 1 }, vector: Float32Array.of(1) };
  const { data } = memoryParser(limits)(input);
  input.namespace.push('b');
  input.tags.push('u');
  input.metadata.a = 2;
  input.vector[0] = 2;
  expect(data).toStrictEqual({
    text: 'a',
    namespace: ['a'],
    tags: ['t'],
    metadata: { a: 1 },
    vector: Float32Array.of(1),
  });
});
