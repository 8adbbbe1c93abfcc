import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './shared/figures';
import { type Question, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { runScript } from './shared/script';

/** The measurements of a new process with one embedder. */
export interface FirstVector {
  /** Milliseconds from the start of `open`, which creates the store, to the first acknowledged memory. */
  readonly firstMs: number;
  /** The growth of the memory of the process since before `open`, in megabytes. */
  readonly addedMb: number;
}

/** The first memory of a new store in a new process. */
export const firstVector: Question = {
  name: 'first-vector',
  asks: 'How long does a new process need from open to its first memory with a vector, and how much RAM does the model take?',
  async run(setting) {
    const { models, folder } = setting;
    const embedders = ['none', 'built-in', ...(existsSync(join(models, 'Xenova/all-MiniLM-L6-v2')) ? ['minilm'] : [])];
    const found = new Map(embedders.map((name) => [name, [] as FirstVector[]]));
    for (let i = samples(setting, 5, 1); i > 0; i--) {
      for (const name of embedders) {
        const script = new URL('first-vector-process.ts', import.meta.url);
        found.get(name)?.push(await runScript<FirstVector>(script, [join(folder, `first-${name}-${i}`), name, models]));
      }
    }
    const of = (name: string, figure: keyof FirstVector) => median((found.get(name) ?? []).map((each) => each[figure]));
    return embedders.slice(1).flatMap((name): Row[] => [
      row({
        name: `first memory, ${name} / without a vector`,
        value: of(name, 'firstMs'),
        baseline: of('none', 'firstMs'),
        unit: 'ms',
      }),
      row({
        name: `memory of the process, ${name} / without a vector`,
        value: of(name, 'addedMb'),
        baseline: of('none', 'addedMb'),
        unit: 'MB',
      }),
    ]);
  },
};
