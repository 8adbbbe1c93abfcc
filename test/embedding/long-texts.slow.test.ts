import { type Embedder, minilm } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openFolder, openInMemory, temporaryFolder } from '../store/stores';
import { modelFolder, modelIsMissing } from './model-folder';

const namespace = ['archive'];

/** About 100 kB of minutes of meetings, without anything that the test queries ask for. */
function minutes(seed: number): string {
  const topics = [
    'the garden fence',
    'a new printer',
    'holiday cover',
    'the canteen menu',
    'parking spaces',
    'the winter party',
  ];
  const opinions = [
    'Nobody objected.',
    'It was put off until spring.',
    'Two wanted more time.',
    'The budget was agreed.',
  ];
  const lines = Array.from(
    { length: 1_250 },
    (_, i) =>
      `Item ${i + 1}: they talked about ${topics[(i + seed) % 6]}. ${opinions[(i * 7 + seed) % 4]} Minutes of part ${seed}.`,
  );
  return lines.join('\n');
}

const fact = 'The launch of the rocket was moved to 14 March.';
const question = 'When does the rocket start?';

/** Asserts that a fact in the last line of a long text is found by meaning until its text is replaced. */
async function findsTheLastLine(embedder?: Embedder): Promise<void> {
  const store = await openFolder(await temporaryFolder(), embedder === undefined ? {} : { embedder });
  const long = `${minutes(0)}\n${fact}`;
  expect(Buffer.byteLength(long)).toBeGreaterThan(100_000);
  const { id } = await store.admin.remember(long, { namespace });
  // A model of transformers.js needs longer for each text.
  const others = embedder === undefined ? 3 : 1;
  for (let seed = 1; seed <= others; seed++) await store.admin.remember(minutes(seed), { namespace });
  await store.admin.remember('The company launched a new phone in May.', { namespace });
  const best = async () => (await store.admin.recall(question, { mode: 'semantic', topK: 1, explain: true }))[0];
  const found = await best();
  expect(found?.id).toBe(id);
  await store.admin.update(id, { text: minutes(0) });
  const after = await best();
  expect(after?.parts?.semantic ?? 0).toBeLessThan((found?.parts?.semantic ?? 0) - 0.05);
  await store.admin.forget(id);
  expect((await best())?.id).not.toBe(id);
  expect(await store.verify()).toEqual({ ok: true, problems: [] });
}

describe('a fact in the last line of a text of 100 kB', () => {
  test('is found by meaning with the built-in model until its text is replaced', () => findsTheLastLine(), 120_000);

  test.skipIf(modelIsMissing !== undefined)(
    `is found by meaning with MiniLM until its text is replaced (${modelIsMissing ?? 'the model is present'})`,
    () => findsTheLastLine(minilm({ localPath: modelFolder })),
    120_000,
  );

  test('does not affect the semantic score after a short text has replaced the long one', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember(`${minutes(0)}\n${fact}`, { namespace });
    await store.admin.update(id, { text: 'short now' });
    const hits = await store.admin.recall(question, { mode: 'semantic', topK: 1, explain: true });
    expect(hits[0]?.parts?.semantic).toBeLessThan(0.3);
  });
});
