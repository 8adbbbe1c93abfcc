import { PeerUnavailable } from './peers/peer';
import { RedisServer } from './peers/redis';
import { memoryOf } from './shared/corpus';
import { median } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const callers = 64;
const rounds = 6;

type Item = ReturnType<typeof memoryOf>;

/** Concurrent durable writes, against a Redis server that writes each to disk before it answers. */
export const peersWrites: Question = {
  name: 'peers-writes',
  asks: 'How many durable writes a second do 64 callers make, compared with Redis with appendfsync always?',
  async run(setting) {
    let redis: RedisServer;
    try {
      redis = await RedisServer.start(setting.folder);
    } catch (error) {
      if (error instanceof PeerUnavailable) return { rows: [], skippedPeers: { Redis: error.message } };
      throw error;
    }
    const { memories } = setting;
    const vectors = new Vectors(memories);
    const store = await openStore(await copyOfLoaded(setting));
    const agents = Array.from({ length: callers }, (_, i) => store.as({ agentId: `agent-${i}` }));
    const perRound = samples(setting, 4_000);
    const itemsOf = (round: number) =>
      Array.from({ length: perRound }, (_, i) => memoryOf(vectors, memories + round * perRound + i));
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const items = itemsOf(round);
      await calm();
      await interleaved(
        round,
        async () => {
          const perSecond = await rateOf(items, async (item, caller) => {
            const { text, ...options } = item;
            await agents[caller]?.remember(text, options);
          });
          // The first round warms both up.
          if (round > 0) ours.push(perSecond);
        },
        async () => {
          const perSecond = await rateOf(items, (item) => redis.remember(`memory:${item.metadata?.ticket}`, item));
          if (round > 0) theirs.push(perSecond);
        },
      );
    }
    await store.close();
    await redis.close();
    const [value, baseline, unit] = [median(ours), median(theirs), 'writes/s'];
    return [
      row({ name: 'peers-writes, against Redis AOF always', value, baseline, unit, goal: { ratioAtLeast: 0.6 } }),
      row({ name: 'peers-writes, Redis AOF always', value: baseline, unit }),
    ];
  },
};

/** Writes a second of callers that each wait for their own write. */
async function rateOf(
  items: readonly Item[],
  write: (item: Item, caller: number) => Promise<unknown>,
): Promise<number> {
  const left = [...items];
  const ms = await milliseconds(() =>
    Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        for (let item = left.pop(); item !== undefined; item = left.pop()) await write(item, caller);
      }),
    ),
  );
  return items.length / (ms / 1000);
}
