import { type Embedder, type MemoryStore, minilm } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';
import { modelFolder, modelIsMissing } from './model-folder';

const namespace = ['support'];
const fact = 'The spare key of the cabin is under the blue flower pot.';
const filler = 'The committee went through the minutes of the last meeting and adjourned until Thursday. ';
/** 100 kB, whose last line holds the fact. */
const long = `${filler.repeat(Math.ceil(100_000 / filler.length))}\n${fact}`;
/** Nearer to a question about the fact than the text as a whole is. */
const decoys = Array.from({ length: 12 }, (_, i) => `A flat with ${i} rooms is for rent near the harbour.`);

/** Knows two things: keys and everything else. It reads 128 tokens and not one more. */
function keyWatcher(): Embedder & { readonly read: string[] } {
  const read: string[] = [];
  const vectorOf = (text: string) => {
    const head = text.slice(0, 128 * 4);
    return Float32Array.of(/\bkey\b/.test(head) ? 1 : 0, 0.1, (head.length % 7) / 100);
  };
  return {
    space: { model: 'key-watcher', dimensions: 3, normalized: false },
    maxTokens: 128,
    async embedDocuments(texts) {
      read.push(...texts);
      return texts.map(vectorOf);
    },
    embedQuery: async (text) => vectorOf(text),
    read,
  };
}

async function ask({ admin }: MemoryStore, question: string) {
  return (await admin.recall(question, { mode: 'semantic', topK: 3 })).map(({ id, text }) => ({ id, text }));
}

async function expectWholeLife(embedder: Embedder, question: string): Promise<void> {
  const folder = await temporaryFolder();
  const store = await openFolder(folder, { embedder });
  const { admin } = store;
  const { results } = await admin.rememberMany(decoys.map((text) => ({ text, namespace })));
  expect(results).toHaveLength(decoys.length);
  const { id } = await admin.remember(long, { namespace });
  expect((await ask(store, question))[0]?.id).toBe(id);

  const { id: revised } = await admin.update(id, { text: 'A note on something else.' });
  const found = await ask(store, question);
  expect(found.map(({ text }) => text)).not.toContain(long);
  expect(found[0]?.text).not.toContain('cabin');

  const second = await admin.remember(long, { namespace });
  expect((await ask(store, question))[0]?.id).toBe(second.id);
  await admin.forget(second.id);
  await admin.forget(revised);
  expect((await ask(store, question)).map(({ id: one }) => one)).not.toContain(second.id);
  expect((await store.verify()).ok).toBe(true);
}

describe('a fact in the last line of 100 kB', () => {
  test('is recalled by meaning, and nothing of it stays when the text is updated or forgotten', async () => {
    const embedder = keyWatcher();
    await expectWholeLife(embedder, 'Where is the key?');
    expect(embedder.read.every((part) => part.length <= 128 * 4)).toBe(true);
  });

  test.skipIf(modelIsMissing !== undefined)(
    `with MiniLM, too${modelIsMissing ? ` (${modelIsMissing})` : ''}`,
    { timeout: 60_000 },
    () => expectWholeLife(minilm({ localPath: modelFolder }), 'How do I get into the cabin without my own key?'),
  );
});
