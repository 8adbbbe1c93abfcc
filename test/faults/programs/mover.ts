/** Writes to a store and moves it from one embedding space to another, again and again, until it is killed. */
import { setTimeout } from 'node:timers/promises';
import { MemoryStore } from 'multi-agent-memory';
import { words } from '../../reembedding/spaces';
import { dimensions, type MoverLine, type MoverTask, models } from '../kill/moves';
import { Random } from '../random';
import { say, task } from './said';

const { folder, seed, cycle, model, known } = task<MoverTask>();
const random = new Random(seed, cycle);
const tell = (line: MoverLine) => say(line);
const texts = new Map(known);
let number = 0;

tell({ say: 'opening' });
const store = await MemoryStore.open(folder, { embedder: words(model, dimensions), exactUpTo: 12 });
// All embedders are available, so that the previous space is kept complete.
for (const each of models) {
  const other = await MemoryStore.open(folder, { embedder: words(each, dimensions) }).catch(() => undefined);
  await other?.close();
}

async function asked(line: Omit<Extract<MoverLine, { say: 'intent' }>, 'say' | 'number'>, run: () => Promise<string>) {
  const asking = number++;
  tell({ say: 'intent', number: asking, ...line });
  const id = await run();
  tell({ say: 'ack', number: asking, id });
  return id;
}

async function write(lane: number): Promise<void> {
  for (let i = 0; ; i++) {
    const text = `note of cycle${cycle}lane${lane}number${i} about topic${random.whole(0, 9)}`;
    // No two calls write to the same memory.
    const own = [...texts.keys()].filter((id) => Number.parseInt(id.at(-1) as string, 16) % 2 === lane);
    if (own.length < 20 || random.chance(0.4)) {
      const id = await asked({ text }, async () => (await store.admin.remember(text, { namespace: ['kill'] })).id);
      texts.set(id, text);
    } else if (random.chance(0.6)) {
      const id = random.pick(own);
      await asked({ id, text }, async () => (await store.admin.update(id, { text })).id);
    } else {
      const id = random.pick(own);
      texts.delete(id);
      await asked({ id }, async () => {
        await store.admin.forget(id);
        return id;
      });
    }
    await setTimeout(random.whole(0, 3));
  }
}

async function move(): Promise<void> {
  for (;;) {
    const kind = random.whole(0, 4);
    // A move that is impossible from the current space is rejected.
    const moved =
      kind < 3
        ? store.reembed(words(random.pick(models), dimensions), { batchSize: random.whole(1, 8) })
        : kind === 3
          ? store.rollback()
          : store.dropUnusedSpaces();
    await moved.catch(() => undefined);
    tell({ say: 'moved' });
  }
}

await Promise.all([write(0), write(1), move()]);
