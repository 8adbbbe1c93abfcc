import { setImmediate } from 'node:timers/promises';
import type { MemoryHandle } from 'multi-agent-memory';
import { questionOf, type Ticket } from './shared/corpus';
import { quantile } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, eventLoopDelayP99, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const namespace = ['chat'];
const dayMs = 24 * 60 * 60 * 1000;
const warmUp = 30;

/** A sweep of what a retention has reached, while an agent recalls from a store full of other memories. */
export const retention: Question = {
  name: 'retention',
  asks: 'What does a recall cost while a sweep forgets 10,000 memories, compared with a store at rest?',
  async run(setting) {
    const count = samples(setting, 10_000);
    const vectors = new Vectors(setting.memories + count);
    let laterMs = 0;
    const store = await openStore(await copyOfLoaded(setting), { clock: { now: () => Date.now() + laterMs } });
    const old = Array.from({ length: count }, (_, i) => ({
      text: `chat ${i} about a parcel that was late`,
      namespace,
      vector: vectors.of(setting.memories + i),
    }));
    await store.admin.rememberMany(old);
    await store.settled();
    const agent = store.as({ agentId: 'agent' });
    let asked = 0;
    // A recall may need no turn of the event loop, and the sweep waits for some.
    const recall = async () => {
      await setImmediate();
      return milliseconds(() => ask(agent, vectors, asked++));
    };
    for (let i = 0; i < warmUp; i++) await recall();
    await calm();
    const atRest: number[] = [];
    for (let i = 0; i < samples(setting, 400, 20); i++) atRest.push(await recall());
    laterMs = 2 * dayMs;
    const declareMs = await milliseconds(() =>
      store.admin.access.retain({ at: namespace, maxAgeDays: 1, then: 'forget' }),
    );
    for (let i = 0; i < warmUp; i++) await recall();
    const during: number[] = [];
    let forgotten = 0;
    let sweepMs = 0;
    const delay = await eventLoopDelayP99(async () => {
      let isOver = false;
      const sweep = milliseconds(async () => {
        forgotten = (await store.lifecycle.run({ dryRun: false })).retention[0]?.forgotten ?? 0;
        isOver = true;
      });
      while (!isOver) during.push(await recall());
      sweepMs = await sweep;
    });
    await store.close();
    if (forgotten !== count) throw new Error(`The sweep has forgotten ${forgotten} of ${count} memories.`);
    const [value, baseline] = [quantile(during, 0.95), quantile(atRest, 0.95)];
    return [
      row({ name: 'retention, recall p95 in a sweep', value, unit: 'ms', baseline, goal: { ratioAtMost: 1.5 } }),
      row({ name: 'retention, event loop p99', value: delay, unit: 'ms', goal: { atMost: 20 } }),
      row({ name: 'retention, declare', value: declareMs, unit: 'ms' }),
      row({ name: 'retention, the whole sweep', value: sweepMs, unit: 'ms' }),
    ];
  },
};

async function ask(agent: MemoryHandle<Ticket>, vectors: Vectors, number: number): Promise<void> {
  const { words, vector } = questionOf(vectors, number);
  await agent.recall(words, { vector });
}
