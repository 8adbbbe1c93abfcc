import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';
import { builtInEmbedder, type MemoryHandle } from 'multi-agent-memory';
import {
  MemoryHandleChatHistory,
  MemoryHandleRetriever,
  MemoryHandleVectorStore,
  memoryMiddleware,
  recallTool,
  rememberTool,
} from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { median } from './shared/figures';
import { type Question, samples } from './shared/question';
import type { Row } from './shared/row';
import { row } from './shared/row';
import { openStore } from './shared/store';
import { textOf, wordsOf } from './shared/texts';
import { calm, interleaved, milliseconds } from './shared/timing';

/** A call through an adapter, and the direct call that it leads to. */
interface Pair {
  readonly name: string;
  readonly full: number;
  direct(i: number): PromiseLike<unknown>;
  adapted(i: number): PromiseLike<unknown>;
}

const mostMemories = 20_000;

/** The time that the LangGraph and LangChain adapters add to direct calls of a handle. */
export const adaptersLang: Question = {
  name: 'adapters-lang',
  asks: 'How much time do the LangGraph and LangChain adapters add to a direct call, with up to 20,000 items?',
  async run(setting) {
    const store = await openStore(await mkdtemp(join(setting.folder, 'adapters-')), { embedder: builtInEmbedder() });
    const handle: MemoryHandle = store.as({ agentId: 'agent' }, { namespace: ['support'] });
    const count = Math.min(setting.memories, mostMemories);
    await handle.rememberMany(Array.from({ length: count }, (_, i) => itemOf(i)));
    await store.settled();
    await calm();
    const rows: Row[] = [];
    for (const pair of [...reads(handle, count), ...writes(handle)])
      rows.push(await measured(pair, samples(setting, pair.full)));
    await store.close();
    return rows;
  },
};

function itemOf(i: number) {
  return {
    text: textOf(i, i % 50),
    key: `langgraph:${i}`,
    namespace: ['support', `team-${i % 10}`],
    metadata: { i, odd: i % 2 },
  };
}

function reads(handle: MemoryHandle, count: number): Pair[] {
  const store = new MemoryHandleStore(handle);
  const retriever = new MemoryHandleRetriever({ handle });
  const vectors = new MemoryHandleVectorStore(handle);
  const tool = recallTool(handle);
  const words = (i: number) => wordsOf(i, i % 50);
  const recall = (i: number) => handle.recall(words(i), { topK: 10 });
  const filter = { metadata: { odd: 1 } };
  return [
    {
      name: 'store.get over get',
      full: 2_000,
      direct: (i) => handle.get({ namespace: ['support', `team-${i % 10}`], key: `langgraph:${i % count}` }),
      adapted: (i) => store.get([`team-${i % 10}`], String(i % count)),
    },
    {
      name: 'store.search over recall',
      full: 500,
      direct: recall,
      adapted: (i) => store.search([], { query: words(i) }),
    },
    {
      name: 'store.search over recall, with a filter',
      full: 200,
      direct: (i) => handle.recall(words(i), { topK: 10, filter }),
      adapted: (i) => store.search([], { query: words(i), filter: { odd: 1 } }),
    },
    {
      name: 'store.search over list',
      full: 500,
      direct: () => handle.list({ limit: 10, order: 'oldest' }),
      adapted: () => store.search([]),
    },
    { name: 'retriever over recall', full: 500, direct: recall, adapted: (i) => retriever.invoke(words(i)) },
    {
      name: 'vector store over recall',
      full: 500,
      direct: recall,
      adapted: (i) => vectors.similaritySearch(words(i), 10),
    },
    { name: 'recall tool over recall', full: 500, direct: recall, adapted: (i) => tool.invoke({ query: words(i) }) },
  ];
}

function writes(handle: MemoryHandle): Pair[] {
  const store = new MemoryHandleStore(handle);
  const history = new MemoryHandleChatHistory(handle, { sessionId: 's-1' });
  const tool = rememberTool(handle);
  const text = (i: number) => textOf(1_000_000 + i, i % 50);
  return [
    {
      name: 'store.put over remember',
      full: 500,
      direct: (i) => handle.remember(text(i), { key: `direct:${i}`, namespace: ['support', 'puts'], metadata: { i } }),
      adapted: (i) => store.put(['puts'], String(i), { text: text(i), i }, ['text']),
    },
    {
      name: 'chat history over remember',
      full: 500,
      direct: (i) => handle.remember(text(i), { sessionId: 's-2' }),
      adapted: (i) => history.addMessage(new HumanMessage(text(i))),
    },
    {
      name: 'remember tool over remember',
      full: 500,
      direct: (i) => handle.remember(text(i)),
      adapted: (i) => tool.invoke({ text: text(i) }),
    },
    {
      name: 'middleware over an agent without, recall and remember',
      full: 200,
      direct: async (i) => {
        await agent().invoke({ messages: wordsOf(i, i % 50) });
        await handle.recall(wordsOf(i, i % 50));
        await handle.remember(`User: ${wordsOf(i, i % 50)}\nAgent: Done.`);
      },
      adapted: (i) => agent([memoryMiddleware(handle)]).invoke({ messages: wordsOf(i, i % 50) }),
    },
  ];
}

function agent(middleware: ReturnType<typeof memoryMiddleware>[] = []) {
  return createAgent({ model: fakeModel().respond(new AIMessage('Done.')), middleware });
}

async function measured({ name, direct, adapted }: Pair, count: number): Promise<Row> {
  const [plain, through]: [number[], number[]] = [[], []];
  for (let i = 0; i < count; i++) {
    await interleaved(
      i,
      async () => void plain.push(await milliseconds(() => direct(i))),
      async () => void through.push(await milliseconds(() => adapted(i))),
    );
  }
  return row({ name: `adapters-lang, ${name}`, value: median(through), baseline: median(plain), unit: 'ms' });
}
