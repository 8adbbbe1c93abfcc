import type { MemoryHandle } from 'multi-agent-memory';
import { memoryOf, type Ticket } from './shared/corpus';
import { mean, median, shareFound } from './shared/figures';
import { nearest, nearestOnly } from './shared/nearest';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const warmUp = 30;
const writesPerRound = 100;

/** Semantic search right after writes, against the same search in a second store without writes. */
export const recallAfterWrites: Question = {
  name: 'recall-after-writes',
  asks: 'What does a semantic recall over all memories cost right after 100 single writes, compared with a store at rest?',
  async run(setting) {
    const { memories } = setting;
    const vectors = new Vectors(memories);
    const stores = [
      await openStore(await copyOfLoaded(setting)),
      await openStore(await copyOfLoaded(setting)),
    ] as const;
    for (const store of stores) await store.settled();
    const [atRest, written] = [stores[0].as({ agentId: 'agent' }), stores[1].as({ agentId: 'agent' })];
    for (let i = 0; i < warmUp; i++) {
      await ask(atRest, vectors.ofQuestion(i));
      await ask(written, vectors.ofQuestion(i));
    }
    const rounds = samples(setting, 10, 2);
    const perRound = samples(setting, 20);
    const asked: { question: Float32Array; known: number; found: number[] }[] = [];
    const ms = { atRest: [] as number[], written: [] as number[], first: [] as number[] };
    await calm();
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < writesPerRound; i++) {
        const { text, ...options } = memoryOf(vectors, memories + round * writesPerRound + i);
        await written.remember(text, options);
      }
      const known = memories + (round + 1) * writesPerRound;
      for (let i = 0; i < perRound; i++) {
        const question = vectors.ofQuestion(warmUp + asked.length);
        await interleaved(
          // In the first round the written store goes first, since its first search pays for the writes.
          i,
          async () => {
            const spent = await milliseconds(async () => {
              asked.push({ question, known, found: await ask(written, question) });
            });
            ms.written.push(spent);
            if (i === 0) ms.first.push(spent);
          },
          async () => void ms.atRest.push(await milliseconds(() => ask(atRest, question))),
        );
      }
    }
    for (const store of stores) await store.close();
    const all = Array.from({ length: memories + rounds * writesPerRound }, (_, ticket) => vectors.of(ticket));
    const recall = mean(
      asked.map(({ question, known, found }) => shareFound(nearest(all.slice(0, known), question, 10), found)),
    );
    const baseline = median(ms.atRest);
    const goal = { ratioAtMost: 1.2 };
    return [
      row({ name: 'recall-after-writes', value: median(ms.written), unit: 'ms', baseline, recall, goal }),
      row({ name: 'recall-after-writes, the very first', value: median(ms.first), unit: 'ms', baseline }),
    ];
  },
};

async function ask(agent: MemoryHandle<Ticket>, vector: Float32Array): Promise<number[]> {
  const hits = await agent.recall('nearest', { ...nearestOnly, vector });
  return hits.map(({ metadata }) => metadata.ticket);
}
