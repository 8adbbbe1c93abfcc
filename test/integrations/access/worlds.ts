import fc from 'fast-check';
import type { Namespace } from 'multi-agent-memory';
import { type Cast, casts } from '../../worlds/cast';
import { type Deed, script } from '../../worlds/deeds';
import { doHidden, doSeen } from '../../worlds/doing';
import { library } from '../../worlds/library';
import { Stage } from '../../worlds/stage';
import type { Adapter } from './adapter';
import { told } from './told';
import { message } from './written';

const sizes = { vectorMemoryBytes: 2 ** 28, exactUpTo: 20_000, audit: { reads: 'off' as const } };

/** The same deeds, with memories that adapters take for their own. */
function forAdapters<D extends Deed>(deed: D): D {
  const { key, metadata, ...fields } = deed.fields;
  const named = key === undefined ? {} : { key: `langgraph:${key}` };
  return { ...deed, fields: { ...fields, ...named, metadata: { ...metadata, ...message } } };
}

const worlds = fc
  .constantFrom(...casts)
  .chain((cast) => fc.record({ cast: fc.constant(cast), deeds: script(cast).map((deeds) => deeds.map(forAdapters)) }));

/** Compares what a reader is told through an adapter with and without what it may not see. */
export async function comparePairs(
  adapter: Adapter,
  { pairs, seed, onPair }: { pairs: number; seed: number; onPair?: () => void },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(worlds, async ({ cast, deeds }) => {
      const [alone, beside] = [await live(adapter, cast, deeds, false), await live(adapter, cast, deeds, true)];
      onPair?.();
      for (const [i, answer] of alone.entries()) {
        if (answer === beside[i]) continue;
        throw new Error(
          `For ${cast.name} answer ${i} differs.\nWithout what is hidden: ${answer}\nWith it: ${beside[i]}`,
        );
      }
      if (alone.length !== beside.length) throw new Error('There are more answers in one world.');
    }),
    { numRuns: pairs, seed },
  );
}

async function live(adapter: Adapter, cast: Cast, deeds: readonly Deed[], beside: boolean): Promise<string[]> {
  const stage = await Stage.open(library, cast, sizes);
  const answers: string[] = [];
  for (const [i, deed] of deeds.entries()) {
    stage.begin(i + 1, !deed.seen);
    if (deed.seen && deed.kind === 'look') answers.push(...(await adapter.look(stage.reader, deed.look)));
    else if (deed.seen && deed.kind === 'try')
      answers.push(...(await adapter.attempt(stage, closedTo(cast, deed), deed)));
    else if (deed.seen) await told(() => doSeen(stage, deed, beside));
    else if (beside) await told(() => doHidden(stage, deed, cast));
  }
  stage.begin(deeds.length + 100, false);
  answers.push(...(await adapter.everything(stage.store.as(cast.reader))));
  answers.push(...(await adapter.everything(stage.store.as(cast.reader, { namespace: ['open'] }))));
  await stage.store.close();
  return answers;
}

/** A place where the reader may neither read nor write. */
function closedTo({ closed }: Cast, { target }: Deed): Namespace {
  return closed[target % closed.length]?.namespace ?? [];
}
