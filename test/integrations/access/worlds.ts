import { AIMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import fc from 'fast-check';
import { createAgent } from 'langchain';
import type { MemoryHandle } from 'multi-agent-memory';
import {
  MemoryHandleChatHistory,
  MemoryHandleRetriever,
  MemoryHandleVectorStore,
  memoryMiddleware,
  recallTool,
  rememberTool,
} from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { type Cast, casts } from '../../worlds/cast';
import { type Deed, type Look, type SeenDeed, script } from '../../worlds/deeds';
import { doHidden, doSeen } from '../../worlds/doing';
import { library } from '../../worlds/library';
import { pick, Stage } from '../../worlds/stage';

const message = {
  langchainMessage: { type: 'human', data: { additional_kwargs: {}, response_metadata: {} } },
  langchainOrder: [0, 0],
};
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

/** Compares what a reader is told through adapters with and without what it may not see. */
export async function comparePairs({ pairs, seed }: { pairs: number; seed: number }): Promise<void> {
  await fc.assert(
    fc.asyncProperty(worlds, async ({ cast, deeds }) => {
      const [alone, beside] = [await live(cast, deeds, false), await live(cast, deeds, true)];
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

async function live(cast: Cast, deeds: readonly Deed[], beside: boolean): Promise<string[]> {
  const stage = await Stage.open(library, cast, sizes);
  const answers: string[] = [];
  for (const [i, deed] of deeds.entries()) {
    stage.begin(i + 1, !deed.seen);
    if (deed.seen && deed.kind === 'look') answers.push(...(await look(stage.reader, deed.look)));
    else if (deed.seen && deed.kind === 'try') answers.push(...(await attempt(stage, cast, deed)));
    else if (deed.seen) await told(() => doSeen(stage, deed, beside));
    else if (beside) await told(() => doHidden(stage, deed, cast));
  }
  stage.begin(deeds.length + 100, false);
  answers.push(...(await everything(stage.store.as(cast.reader))));
  answers.push(...(await everything(stage.store.as(cast.reader, { namespace: ['open'] }))));
  await stage.store.close();
  return answers;
}

async function look(handle: MemoryHandle, { query, limit }: Look): Promise<string[]> {
  const store = new MemoryHandleStore(handle);
  const tool = recallTool(handle, { recall: { topK: limit } });
  return [
    await told(() => store.search(['open'], { query, limit })),
    await told(() => store.search([], { filter: { colour: { $ne: 'red' } }, limit, offset: 1 })),
    await told(() => store.listNamespaces({ maxDepth: 2 })),
    await told(() => tool.invoke({ type: 'tool_call', id: 't', name: 'recall', args: { query } } as never)),
  ];
}

/** Tries what must be refused, whether or not there is anything to be refused. */
async function attempt({ reader, seen }: Stage, cast: Cast, { target, text }: SeenDeed): Promise<string[]> {
  const closed = cast.closed[target % cast.closed.length]?.namespace ?? [];
  const store = new MemoryHandleStore(reader);
  const vectors = new MemoryHandleVectorStore(reader.within({ namespace: ['open'] }));
  return [
    await told(() => store.put([...closed], 'k1', { text })),
    await told(() => store.get([...closed], 'k1')),
    await told(() => store.delete([...closed], 'k1')),
    await told(() => store.delete(['open'], 'k2')),
    await told(() => vectors.delete({ ids: [`hidden-${target % 6}`, pick(seen, target)] })),
    await told(() => vectors.addDocuments([{ pageContent: text, metadata: message, id: 'langgraph:k1' }])),
    await told(() => rememberTool(reader.within({ namespace: [...closed] })).invoke({ text })),
  ];
}

/** Everything that a reader can learn at the end. */
async function everything(handle: MemoryHandle): Promise<string[]> {
  const store = new MemoryHandleStore(handle);
  const model = fakeModel().respond(new AIMessage('ok'));
  const memory = memoryMiddleware(handle, { recall: { topK: 50 }, remember: false });
  return [
    await told(() => store.search([], { limit: 100 })),
    await told(() => store.search([], { query: 'apple banana', limit: 100 })),
    await told(() => store.listNamespaces()),
    await told(() => store.get(['open', 'eu'], 'k1')),
    await told(() => new MemoryHandleRetriever({ handle, recall: { topK: 3 } }).invoke('cherry')),
    await told(() => new MemoryHandleVectorStore(handle).similaritySearchWithScore('damson apple', 50)),
    await told(() => new MemoryHandleChatHistory(handle, { sessionId: 's1' }).getMessages()),
    await told(async () => {
      await createAgent({ model, middleware: [memory] }).invoke({ messages: 'apple' });
      return model.calls[0]?.messages.map(({ text }) => text);
    }),
    await told(() => new MemoryHandleChatHistory(handle, { sessionId: 's1' }).clear()),
  ];
}

async function told(call: () => PromiseLike<unknown> | unknown): Promise<string> {
  try {
    return JSON.stringify(await call()) ?? 'undefined';
  } catch (error) {
    const { name, message: words, code, issues } = error as Error & { code?: string; issues?: unknown };
    return JSON.stringify({ refused: { name, words, code, issues } });
  }
}
