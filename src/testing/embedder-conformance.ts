import assert from 'node:assert/strict';
import { isFloat32Array } from '../domain/realms';
import type { Embedder } from '../embedding/embedder';
import type { ConformanceCase } from './conformance';

/** Short texts about different subjects, so that no two of them have nearly the same vector. */
const texts: readonly string[] = [
  'The customer wants the refund on her card.',
  'Parcels to Norway take nine days.',
  'Restart the router and wait for the green light.',
  'My daughter plays the violin on Tuesdays.',
  'Invoice 4417 was paid twice in March.',
  'The recipe needs two eggs and a cup of flour.',
];

/** Texts that an embedder must accept, whatever vectors it returns for them. */
const unusualTexts: readonly string[] = [
  '',
  ' ',
  'x',
  '?!',
  '👩‍👩‍👧‍👦🎉',
  '\0\0\0',
  '\ud800',
  'before \udc00 after',
  'مرحبا بالعالم',
  '客户想要退款',
  "'); DROP TABLE memories; --",
  'word '.repeat(20_000),
  'x'.repeat(100_000),
];

/**
 * Returns the requirements for every embedder, as test cases.
 *
 * @param create Returns the embedder to test. It is called once for each case. The embedders may share one loaded model.
 * @example
 * ```ts
 * import { builtInEmbedder } from 'multi-agent-memory';
 * import { embedderConformance } from 'multi-agent-memory/testing';
 * for (const { run } of embedderConformance(async () => builtInEmbedder())) await run();
 * ```
 */
// Long: one case for each requirement.
export function embedderConformance(create: () => Promise<Embedder>): ConformanceCase[] {
  const check = (name: string, run: (embedder: Embedder) => Promise<void>): ConformanceCase => ({
    name,
    run: async () => run(await create()),
  });
  return [
    check('names the model and the dimensions of its space', async ({ space, maxTokens }) => {
      assert.ok(space.model.length > 0);
      assert.ok(Number.isSafeInteger(space.dimensions) && space.dimensions > 0);
      assert.ok(maxTokens > 0);
    }),
    check('returns one vector of its space for each text', async (embedder) => {
      const vectors = await embedder.embedDocuments(texts, {});
      assert.equal(vectors.length, texts.length);
      for (const vector of [...vectors, await embedder.embedQuery(texts[0]!, {})]) assertOfSpace(vector, embedder);
    }),
    check('returns the vectors in the order of the texts', async (embedder) => {
      const forward = await embedder.embedDocuments(texts, {});
      const backward = await embedder.embedDocuments([...texts].reverse(), {});
      for (const [i, vector] of forward.entries()) assertSame(vector, backward.at(-1 - i)!);
    }),
    check(
      'returns the same vector for a text alone, in a batch, twice in a batch, and in a second call',
      async (embedder) => {
        const text = texts[2]!;
        const [alone] = await embedder.embedDocuments([text], {});
        const batch = await embedder.embedDocuments([...texts, 'word '.repeat(100), text], {});
        const [again] = await embedder.embedDocuments([text], {});
        for (const vector of [batch[2], batch.at(-1), again]) assertSame(alone!, vector!);
        assertSame(await embedder.embedQuery(text, {}), await embedder.embedQuery(text, {}));
      },
    ),
    check('returns different vectors for different texts', async (embedder) => {
      const vectors = await embedder.embedDocuments(texts, {});
      for (const [i, a] of vectors.entries()) {
        for (const b of vectors.slice(i + 1)) assert.ok(cosine(a, b) < 0.95, 'two texts have nearly the same vector');
      }
    }),
    check('finds a document by a query with the same text', async (embedder) => {
      const documents = await embedder.embedDocuments(texts, {});
      for (const [i, text] of texts.entries()) {
        const query = await embedder.embedQuery(text, {});
        const scores = documents.map((document) => cosine(query, document));
        assert.equal(scores.indexOf(Math.max(...scores)), i, `another document is more similar to the query '${text}'`);
      }
    }),
    check(
      'returns vectors for unusual texts: empty, with control characters, with lone surrogates, very long',
      async (embedder) => {
        for (const vector of await embedder.embedDocuments(unusualTexts, {})) assertOfSpace(vector, embedder);
        for (const text of unusualTexts) assertOfSpace(await embedder.embedQuery(text, {}), embedder);
      },
    ),
    check('returns no vectors for no texts', async (embedder) => {
      assert.deepEqual(await embedder.embedDocuments([], {}), []);
    }),
    check('rejects with the reason of an aborted signal', async (embedder) => {
      const reason = new Error('no longer wanted');
      const call = { signal: AbortSignal.abort(reason) };
      await assert.rejects(embedder.embedDocuments(texts, call), (error) => error === reason);
      await assert.rejects(embedder.embedQuery(texts[0]!, call), (error) => error === reason);
    }),
    check('returns the vectors of its own texts to each concurrent caller', async (embedder) => {
      const [all, ...alone] = await Promise.all([
        embedder.embedDocuments(texts, {}),
        ...texts.map((text) => embedder.embedDocuments([text], {})),
      ]);
      for (const [i, [vector]] of alone.entries()) assertSame(vector!, all[i]!);
    }),
  ];
}

function assertOfSpace(vector: Float32Array, { space }: Embedder): void {
  assert.ok(isFloat32Array(vector), 'the vector is not a Float32Array');
  assert.equal(vector.length, space.dimensions);
  assert.ok(vector.every(Number.isFinite), 'the vector has a number that is not finite');
  const length = Math.hypot(...vector);
  assert.ok(length > 0, 'the vector has only zeros');
  if (space.normalized)
    assert.ok(Math.abs(length - 1) < 1e-3, `the space is normalized, but the vector has length ${length}`);
}

// Compares by cosine instead of bit by bit, because a remote model may run on different hardware for each call.
function assertSame(a: Float32Array, b: Float32Array): void {
  assert.ok(cosine(a, b) > 0.999, `two vectors of the same text have a cosine of ${cosine(a, b)}`);
}

function cosine(a: Float32Array, b: Float32Array): number {
  const product = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  return product / (Math.hypot(...a) * Math.hypot(...b));
}
