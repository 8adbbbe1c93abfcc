/** Carries out works of the lifecycle of memories one after the other, and is killed somewhere on the way. */
import { setTimeout } from 'node:timers/promises';
import { type ErasureTarget, MemoryStore, type Summarizer } from 'multi-agent-memory';
import { type LifecycleWork, lifecycleOptions, quote } from '../../lifecycle/kill-works';
import { Random } from '../random';
import { say, task } from './said';

export interface LifecycleTask {
  readonly folder: string;
  readonly seed: number;
  readonly cycle: number;
  readonly works: readonly LifecycleWork[];
}

const { folder, seed, cycle, works } = task<LifecycleTask>();
const random = new Random(seed, cycle);
const failingShare = 0.05;

/** Says what it is asked before it answers, so that a call that a kill cuts off is known. */
const summarizer: Summarizer = {
  ...quote,
  summarize: async (group, options) => {
    say({ say: 'asked', words: group.sources.flatMap(({ text }) => text.split(' ').slice(0, 1)) });
    await setTimeout(random.whole(0, 4));
    if (random.chance(failingShare)) {
      say({ say: 'failed' });
      throw new Error('The model is down.');
    }
    return quote.summarize(group, options);
  },
};

const store = await MemoryStore.open(folder, lifecycleOptions(cycle, summarizer));
say({ say: 'open' });
// Pauses between groups do not keep a process alive.
const alive = setInterval(() => undefined, 1_000);
for (const [number, work] of works.entries()) {
  say({ say: 'begins', number });
  await carryOut(work);
  say({ say: 'done', number });
}
clearInterval(alive);
await store.close();

async function carryOut(work: LifecycleWork): Promise<unknown> {
  if (work.type === 'consolidate') return store.lifecycle.run({ dryRun: false });
  if (work.type === 'erase') return store.erase({ userId: work.userId } satisfies ErasureTarget);
  if (work.type === 'forget') return store.admin.forget(work.id);
  if (work.type === 'release') return store.releaseHold(work.hold);
  return store.purge();
}
