import { BareSqlite } from './shared/bare-sqlite';
import { memoryOf } from './shared/corpus';
import { median } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

/** Durable writes one at a time, without other writers. */
export const rememberOne: Question = {
  name: 'remember-one',
  asks: 'What does one durable remember cost, compared with a bare transaction of better-sqlite3?',
  async run(setting) {
    const { memories } = setting;
    const vectors = new Vectors(memories);
    const folder = await copyOfLoaded(setting);
    const bare = new BareSqlite(folder);
    bare.load(Array.from({ length: memories }, (_, ticket) => memoryOf(vectors, ticket)));
    const store = await openStore(folder);
    const agent = store.as({ agentId: 'agent' });
    const count = samples(setting, 1_500);
    const items = Array.from({ length: count }, (_, i) => memoryOf(vectors, memories + i));
    await calm();
    const [ours, theirs]: [number[], number[]] = [[], []];
    // Warm-up: the code is then compiled, and SQLite overwrites the logs of both in place of extending them.
    const warmUp = Array.from({ length: samples(setting, 1_000) }, (_, i) => memoryOf(vectors, memories + count + i));
    for (const item of warmUp) {
      await agent.remember(item.text, without(item));
      bare.remember(item);
    }
    for (const [i, item] of items.entries()) {
      await interleaved(
        i,
        async () => void ours.push(await milliseconds(() => agent.remember(item.text, without(item)))),
        async () => void theirs.push(await milliseconds(() => bare.remember(item))),
      );
    }
    await store.close();
    bare.close();
    const figures = { value: median(ours), baseline: median(theirs) };
    return [row({ name: 'remember-one', ...figures, unit: 'ms', goal: { ratioAtMost: 1.6 } })];
  },
};

function without({ text: _, ...options }: ReturnType<typeof memoryOf>) {
  return options;
}
