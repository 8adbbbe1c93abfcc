import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, eventLoopDelayP99, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const namespace = ['chat'];
const userId = 'customer-4417';

/** Erasing one subject from a store full of other memories, with the scan of every file and the receipt. */
export const erasing: Question = {
  name: 'erase',
  asks: 'How long does it take to erase one subject with 200 memories, with its receipt?',
  async run(setting) {
    const count = samples(setting, 200);
    const vectors = new Vectors(setting.memories + count);
    const store = await openStore(await copyOfLoaded(setting));
    const items = Array.from({ length: count }, (_, i) => ({
      text: `note ${i} of the subject about the parcel quetzalcoatl${i}`,
      namespace,
      userId,
      vector: vectors.of(setting.memories + i),
    }));
    await store.admin.rememberMany(items);
    await store.settled();
    await calm();
    let eraseMs = 0;
    const delay = await eventLoopDelayP99(async () => {
      eraseMs = await milliseconds(async () => {
        const { complete, ids } = await store.erase({ userId });
        if (!complete || ids.length !== count) throw new Error('Not everything was erased.');
      });
    });
    await store.close();
    return [
      row({ name: 'erase, with its receipt', value: eraseMs, unit: 'ms', goal: { atMost: 10_000 } }),
      row({ name: 'erase, event loop p99', value: delay, unit: 'ms', goal: { atMost: 20 } }),
    ];
  },
};
