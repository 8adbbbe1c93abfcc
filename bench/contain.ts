import { allow, MemoryStore, type NewMemory } from 'multi-agent-memory';
import { givenVectors } from './shared/corpus';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded } from './shared/store';
import { calm, milliseconds } from './shared/timing';

const namespace = ['support', 'contained'];

/** Containing what one agent wrote, with what others made from it, in a store full of other memories. */
export const containing: Question = {
  name: 'contain',
  asks: 'How long does it take to contain 10,000 memories with their closure, and to release them?',
  async run(setting) {
    const count = samples(setting, 10_000);
    const store = await MemoryStore.open(await copyOfLoaded(setting), {
      embedder: givenVectors,
      access: [allow('everyone', 'writer', ['support'])],
    });
    const crawler = { agentId: 'crawler' };
    const first = await remembered(
      store,
      crawler,
      Array.from({ length: count / 2 }, (_, i) => ({ text: `page ${i}` })),
    );
    const derived = first.map((id, i) => ({ text: `summary of page ${i}`, derivedFrom: [id] }));
    await remembered(store, { agentId: 'clerk' }, derived);
    await calm();
    let incident = '';
    const containMs = await milliseconds(async () => {
      const contained = await store.trust.contain({ by: crawler });
      if (contained.memories.length !== 2 * first.length) throw new Error('Not everything was contained.');
      incident = contained.id;
    });
    const releaseMs = await milliseconds(() => store.trust.release(incident));
    await store.close();
    return [
      row({ name: 'contain', value: containMs, unit: 'ms', goal: { atMost: 2_000 } }),
      row({ name: 'release', value: releaseMs, unit: 'ms' }),
    ];
  },
};

async function remembered(
  store: MemoryStore,
  author: { agentId: string },
  items: readonly NewMemory[],
): Promise<string[]> {
  const handle = store.as(author, { namespace });
  const { results } = await handle.rememberMany(items.map((item) => ({ ...item, embed: false })));
  return results.map((result) => {
    if (!result.ok) throw result.error;
    return result.id;
  });
}
