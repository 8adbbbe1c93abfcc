import fc from 'fast-check';
import type { Namespace } from 'multi-agent-memory';
import { type Cast, casts } from '../../worlds/cast';
import { type Deed, script } from '../../worlds/deeds';
import { doHidden, doSeen } from '../../worlds/doing';
import { library } from '../../worlds/library';
import { Stage } from '../../worlds/stage';
import type { Adapter } from './adapter';
import { messageMetadata } from './adapter-fixtures';
import { outcomeOf } from './call-outcome';

const sizes = { memoryBytes: 2 ** 28, exactUpTo: 20_000, audit: { reads: 'off' as const } };

/** The same deed, with a memory that adapters read as one of their own. */
function forAdapters<D extends Deed>(deed: D): D {
  const { key, metadata, ...fields } = deed.fields;
  const named = key === undefined ? {} : { key: `langgraph:${key}` };
  return { ...deed, fields: { ...fields, ...named, metadata: { ...metadata, ...messageMetadata } } };
}

const worlds = fc
  .constantFrom(...casts)
  .chain((cast) => fc.record({ cast: fc.constant(cast), deeds: script(cast).map((deeds) => deeds.map(forAdapters)) }));

/** Compares what a reader gets through an adapter in two worlds: with and without hidden memories. */
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
          `For ${cast.name} answer ${i} differs.\nWithout hidden memories: ${answer}\nWith them: ${beside[i]}`,
        );
      }
      if (alone.length !== beside.length) throw new Error('The number of answers differs.');
    }),
    { numRuns: pairs, seed },
  );
}

async function live(adapter: Adapter, cast: Cast, deeds: readonly Deed[], beside: boolean): Promise<string[]> {
  const stage = await Stage.open(library, cast, sizes, { ceilings: true, retention: false });
  const answers: string[] = [];
  for (const [i, deed] of deeds.entries()) {
    stage.begin(i + 1, !deed.seen);
    if (deed.seen && deed.kind === 'look') answers.push(...(await adapter.look(stage.reader, deed.look)));
    else if (deed.seen && deed.kind === 'try')
      answers.push(...(await adapter.attempt(stage, closedTo(cast, deed), deed)));
    else if (deed.seen) await outcomeOf(() => doSeen(stage, deed, beside));
    else if (beside) await outcomeOf(() => doHidden(stage, deed, cast));
  }
  stage.begin(deeds.length + 100, false);
  answers.push(...(await adapter.everything(stage.store.as(cast.reader))));
  answers.push(...(await adapter.everything(stage.store.as(cast.reader, { namespace: ['open'] }))));
  await stage.store.close();
  return answers;
}

/** A namespace where the reader may neither read nor write. */
function closedTo({ closed }: Cast, { target }: Deed): Namespace {
  return closed[target % closed.length]?.namespace ?? [];
}
