import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { generateText, wrapLanguageModel } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { builtInEmbedder, type MemoryHandle } from 'multi-agent-memory';
import { memoryMiddleware, recallTool, rememberTool } from 'multi-agent-memory/ai-sdk';
import { memoryMcpServer, serveHttp } from 'multi-agent-memory/mcp';
import { median } from './shared/figures';
import { type Question, samples } from './shared/question';
import { type Row, row } from './shared/row';
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
const token = 'a-token-for-the-benchmark';
const clientInfo = { name: 'bench', version: '1' };

/** The time that MCP and the AI SDK add to direct calls of a handle. */
export const adaptersMcp: Question = {
  name: 'adapters-mcp',
  asks: 'How much time do MCP (in one process, and over HTTP) and the AI SDK add to a direct call, with up to 20,000 memories?',
  async run(setting) {
    const store = await openStore(await mkdtemp(join(setting.folder, 'mcp-')), { embedder: builtInEmbedder() });
    const handle = store.as({ agentId: 'agent' }, { namespace: ['support'] }) as unknown as MemoryHandle;
    const count = Math.min(setting.memories, mostMemories);
    await handle.rememberMany(Array.from({ length: count }, (_, i) => ({ text: textOf(i, i % 50) })));
    await store.settled();
    const server = await serveHttp(handle, { token });
    const clients = [
      ['in a process', await inProcess(handle)],
      ['over HTTP', await overHttp(server.url)],
    ] as const;
    await calm();
    const rows: Row[] = [];
    for (const pair of [...clients.flatMap(([name, client]) => ofMcp(name, client, handle)), ...ofAISDK(handle)])
      rows.push(await measured(pair, samples(setting, pair.full)));
    for (const [, client] of clients) await client.close();
    await server.close();
    await store.close();
    return rows;
  },
};

async function inProcess(handle: MemoryHandle): Promise<Client> {
  const [theirs, ours] = InMemoryTransport.createLinkedPair();
  await memoryMcpServer(handle).connect(ours);
  const client = new Client(clientInfo);
  await client.connect(theirs);
  return client;
}

async function overHttp(url: string): Promise<Client> {
  const headers = { Authorization: `Bearer ${token}` };
  const client = new Client(clientInfo);
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return client;
}

const words = (i: number) => wordsOf(i, i % 50);
const text = (i: number) => textOf(1_000_000 + i, i % 50);

function ofMcp(name: string, client: Client, handle: MemoryHandle): Pair[] {
  const call = (tool: string, given: Record<string, unknown>) => client.callTool({ name: tool, arguments: given });
  return [
    {
      name: `MCP ${name}, search_memories over recall`,
      full: 300,
      direct: (i) => handle.recall(words(i)),
      adapted: (i) => call('search_memories', { query: words(i) }),
    },
    {
      name: `MCP ${name}, add_memory over remember`,
      full: 300,
      direct: (i) => handle.remember(text(i)),
      adapted: (i) => call('add_memory', { text: text(i) }),
    },
  ];
}

function ofAISDK(handle: MemoryHandle): Pair[] {
  const [recall, remember] = [recallTool(handle), rememberTool(handle)];
  return [
    {
      name: 'AI SDK recall tool over recall',
      full: 300,
      direct: (i) => handle.recall(words(i)),
      adapted: (i) => recall.execute({ query: words(i) }, {}),
    },
    {
      name: 'AI SDK remember tool over remember',
      full: 300,
      direct: (i) => handle.remember(text(i)),
      adapted: (i) => remember.execute({ text: text(i) }, {}),
    },
    {
      name: 'AI SDK middleware over a call without, recall and remember',
      full: 200,
      direct: async (i) => {
        await generateText({ model: model(), prompt: words(i) });
        await handle.recall(words(i));
        await handle.remember(`User: ${words(i)}\nAgent: Done.`);
      },
      adapted: (i) =>
        generateText({
          model: wrapLanguageModel({ model: model(), middleware: memoryMiddleware(handle) }),
          prompt: words(i),
        }),
    },
  ];
}

function model(): MockLanguageModelV3 {
  const usage = { inputTokens: {}, outputTokens: {} };
  const said = { content: [{ type: 'text', text: 'Done.' }], finishReason: { unified: 'stop' }, usage, warnings: [] };
  return new MockLanguageModelV3({ doGenerate: said as never });
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
  return row({ name: `adapters-mcp, ${name}`, value: median(through), baseline: median(plain), unit: 'ms' });
}
