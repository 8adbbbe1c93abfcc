import type { Embedder, MemoryStore } from 'multi-agent-memory';
import type { Ticket } from './shared/corpus';
import { quantile } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { Searching, type Spent } from './shared/searching';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, eventLoopDelayP99, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

/** A move to another embedding space, whose vectors cost almost nothing, while the store is searched. */
export const reembed: Question = {
  name: 'reembed',
  asks: 'How many memories a second does reembed move to another space, and how much slower are searches during the move?',
  async run(setting) {
    const vectors = new Vectors(setting.memories);
    const store = await openStore(await copyOfLoaded(setting));
    await store.settled();
    const agent = store.as({ agentId: 'agent' });
    const searching = new Searching(agent, vectors);
    await searching.during(searching.some(samples(setting, 100)));
    await calm();
    const before = await searching.during(searching.some(samples(setting, 600)));
    await calm();
    let tookMs = 0;
    let meanwhile: Spent = { hybrid: [], semantic: [] };
    const delay = await eventLoopDelayP99(async () => {
      const moving = milliseconds(() => store.reembed(another(vectors))).then((ms) => {
        tookMs = ms;
      });
      meanwhile = await searching.during(moving);
    });
    const back = await milliseconds(() => store.rollback());
    await close(store);
    const rows = (['hybrid', 'semantic'] as const).flatMap((mode) =>
      ([95, 50] as const).map((percent) =>
        row({
          name: `reembed, ${mode} search meanwhile, ${percent === 95 ? 'p95' : 'median'}`,
          value: quantile(meanwhile[mode], percent / 100),
          baseline: quantile(before[mode], percent / 100),
          unit: 'ms',
          ...(percent === 95 ? { goal: { ratioAtMost: 1.5 } } : {}),
        }),
      ),
    );
    return [
      row({ name: 'reembed', value: setting.memories / (tookMs / 1000), unit: 'memories/s' }),
      ...rows,
      row({ name: 'reembed, event-loop delay p99', value: delay, unit: 'ms', goal: { atMost: 20 } }),
      row({ name: 'reembed, rollback', value: back, unit: 'ms' }),
    ];
  },
};

/** An embedder of another space. It maps the hash of a text to a vector, and its vectors are distributed like those of a model. */
function another(vectors: Vectors): Embedder {
  const embed = (text: string) => {
    let hash = 0;
    for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) >>> 0;
    return vectors.of(hash);
  };
  return {
    space: { model: 'another of the benchmark', dimensions: embed('').length, normalized: true },
    maxTokens: 1_024,
    embedDocuments: async (texts) => texts.map(embed),
    embedQuery: async (text) => embed(text),
  };
}

async function close(store: MemoryStore<Ticket>): Promise<void> {
  await store.settled();
  await store.close();
}
