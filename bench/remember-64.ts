import { memoryOf } from './shared/corpus';
import { median } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, eventLoopDelayP99, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const callers = 64;
const rounds = 5;

/** Concurrent writes of many agents. */
export const remember64: Question = {
  name: 'remember-64',
  asks: 'How many durable writes a second do 64 callers make, each waiting for its own write, and how long is the event loop blocked?',
  async run(setting) {
    const { memories } = setting;
    const vectors = new Vectors(memories);
    const store = await openStore(await copyOfLoaded(setting));
    const agents = Array.from({ length: callers }, (_, i) => store.as({ agentId: `agent-${i}` }));
    const perRound = samples(setting, 4_000);
    const items = Array.from({ length: rounds * perRound }, (_, i) => memoryOf(vectors, memories + i));
    await calm();
    const perSecond: number[] = [];
    const delay = await eventLoopDelayP99(async () => {
      for (let round = 0; round < rounds; round++) {
        const left = items.slice(round * perRound, (round + 1) * perRound);
        const ms = await milliseconds(() =>
          Promise.all(
            agents.map(async (agent) => {
              for (let item = left.pop(); item !== undefined; item = left.pop()) {
                const { text, ...options } = item;
                await agent.remember(text, options);
              }
            }),
          ),
        );
        perSecond.push(perRound / (ms / 1000));
      }
    });
    await store.close();
    return [
      row({ name: 'remember-64', value: median(perSecond), unit: 'writes/s', goal: { atLeast: 8_500 } }),
      row({ name: 'remember-64, event-loop delay p99', value: delay, unit: 'ms', goal: { atMost: 20 } }),
    ];
  },
};
