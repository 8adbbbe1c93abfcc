import assert from 'node:assert/strict';
import type { Embedder } from '../embedding/embedder';
import type { ConformanceCase } from './conformance';

/** Short texts that are about different things, so that no two have nearly the same vector. */
const texts: readonly string[] = [
  'The customer wants the refund on her card.',
  'Parcels to Norway take nine days.',
  'Restart the router and wait for the green light.',
  'My daughter plays the violin on Tuesdays.',
  'Invoice 4417 was paid twice in March.',
  'The recipe needs two eggs and a cup of flour.',
];

/** What no embedder may stumble over, whatever it makes of it. */
const strangeTexts: readonly string[] = [
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

/** What every embedder promises. `create` is called for each case; the embedders it returns may share a loaded model. */
export function embedderConformance(create: () => Promise<Embedder>): ConformanceCase[] {
  const check = (name: string, run: (embedder: Embedder) => Promise<void>): ConformanceCase => ({
    name,
    run: async () => run(await create()),
  });
  return [
    check('names its space: a model and a number of dimensions', async ({ space, maxTokens }) => {
      assert.ok(space.model.length > 0);
      assert.ok(Number.isSafeInteger(space.dimensions) && space.dimensions > 0);
      assert.ok(maxTokens > 0);
    }),
    check('gives every text one vector of the space', async (embedder) => {
      const vectors = await embedder.embedDocuments(texts, {});
      assert.equal(vectors.length, texts.length);
      for (const vector of [...vectors, await embedder.embedQuery(texts[0]!, {})]) assertOfSpace(vector, embedder);
    }),
    check('gives vectors in the order of the texts', async (embedder) => {
      const forward = await embedder.embedDocuments(texts, {});
      const backward = await embedder.embedDocuments([...texts].reverse(), {});
      for (const [i, vector] of forward.entries()) assertSame(vector, backward.at(-1 - i)!);
    }),
    check('gives a text the same vector alone, in a batch, twice in a batch, and a second time', async (embedder) => {
      const text = texts[2]!;
      const [alone] = await embedder.embedDocuments([text], {});
      const batch = await embedder.embedDocuments([...texts, 'word '.repeat(100), text], {});
      const [again] = await embedder.embedDocuments([text], {});
      for (const vector of [batch[2], batch.at(-1), again]) assertSame(alone!, vector!);
      assertSame(await embedder.embedQuery(text, {}), await embedder.embedQuery(text, {}));
    }),
    check('gives different texts different vectors', async (embedder) => {
      const vectors = await embedder.embedDocuments(texts, {});
      for (const [i, a] of vectors.entries()) {
        for (const b of vectors.slice(i + 1)) assert.ok(cosine(a, b) < 0.95, 'two texts have nearly the same vector');
      }
    }),
    check('finds a document by its own words', async (embedder) => {
      const documents = await embedder.embedDocuments(texts, {});
      for (const [i, text] of texts.entries()) {
        const query = await embedder.embedQuery(text, {});
        const scores = documents.map((document) => cosine(query, document));
        assert.equal(scores.indexOf(Math.max(...scores)), i, `another document is nearer to the query '${text}'`);
      }
    }),
    check(
      'gives strange texts a vector too: empty, control characters, half surrogates, very long',
      async (embedder) => {
        for (const vector of await embedder.embedDocuments(strangeTexts, {})) assertOfSpace(vector, embedder);
        for (const text of strangeTexts) assertOfSpace(await embedder.embedQuery(text, {}), embedder);
      },
    ),
    check('gives no vectors for no texts', async (embedder) => {
      assert.deepEqual(await embedder.embedDocuments([], {}), []);
    }),
    check('rejects with the reason of a signal that is aborted', async (embedder) => {
      const reason = new Error('no longer wanted');
      const call = { signal: AbortSignal.abort(reason) };
      await assert.rejects(embedder.embedDocuments(texts, call), (error) => error === reason);
      await assert.rejects(embedder.embedQuery(texts[0]!, call), (error) => error === reason);
    }),
    check('serves callers at the same time without mixing them up', async (embedder) => {
      const [all, ...alone] = await Promise.all([
        embedder.embedDocuments(texts, {}),
        ...texts.map((text) => embedder.embedDocuments([text], {})),
      ]);
      for (const [i, [vector]] of alone.entries()) assertSame(vector!, all[i]!);
    }),
  ];
}

function assertOfSpace(vector: Float32Array, { space }: Embedder): void {
  assert.ok(vector instanceof Float32Array, 'a vector is a Float32Array');
  assert.equal(vector.length, space.dimensions);
  assert.ok(vector.every(Number.isFinite), 'every number of a vector is finite');
  const length = Math.hypot(...vector);
  assert.ok(length > 0, 'a vector is not zero');
  if (space.normalized) assert.ok(Math.abs(length - 1) < 1e-3, `a vector of a normalised space has length ${length}`);
}

// Not equal bit by bit: a remote model may compute on other hardware each time.
function assertSame(a: Float32Array, b: Float32Array): void {
  assert.ok(cosine(a, b) > 0.999, `vectors of the same text have cosine ${cosine(a, b)}`);
}

function cosine(a: Float32Array, b: Float32Array): number {
  const product = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  return product / (Math.hypot(...a) * Math.hypot(...b));
}
