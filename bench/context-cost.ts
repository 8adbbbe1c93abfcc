import { questionOf } from './shared/corpus';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm } from './shared/timing';
import { Vectors } from './shared/vectors';

/** What the context of sessions adds to the cost of a recall. */
export const contextCost: Question = {
  name: 'context-cost',
  asks: 'How much more processor time does a recall take with the context of sessions of five memories than without, in each mode?',
  async run(setting) {
    const vectors = new Vectors(setting.memories);
    const store = await openStore(await copyOfLoaded(setting));
    await store.settled();
    const agent = store.as({ agentId: 'agent' });
    const asked = Array.from({ length: samples(setting, 300) }, (_, i) => questionOf(vectors, i));
    const rows = [];
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
      const used = { with: 0, without: 0 };
      const ask = async ({ words, vector }: (typeof asked)[number], context: boolean) => {
        const before = process.cpuUsage();
        await agent.recall(words, { mode, context, ...(mode === 'keyword' ? {} : { vector }) });
        const { user, system } = process.cpuUsage(before);
        used[context ? 'with' : 'without'] += (user + system) / 1_000 / asked.length;
      };
      for (const each of asked.slice(0, 20)) for (const context of [true, false]) await ask(each, context);
      await calm();
      used.with = used.without = 0;
      for (const [i, each] of asked.entries())
        for (const context of [i % 2 === 0, i % 2 !== 0]) await ask(each, context);
      rows.push(
        row({
          name: `recall with context, ${mode}, processor time`,
          value: used.with,
          unit: 'ms',
          baseline: used.without,
          goal: { ratioAtMost: 1.15 },
        }),
      );
    }
    await store.close();
    return rows;
  },
};
