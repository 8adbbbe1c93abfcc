/**
 * Three agents of one LangGraph graph share a store. The scout stores a fact, and the planner and the writer look it up. A second run,
 * after a restart, also finds the fact of the first run.
 *
 * The agents are made with LangChain's `createAgent` and its fake model, so the program needs no network.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AIMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { END, getStore, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { createAgent, tool } from 'langchain';
import { allow, MemoryStore } from 'multi-agent-memory';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { z } from 'zod';

const note = tool(
  async ({ key, fact }) => {
    await getStore()?.put(['trips', 'dana'], key, { fact });
    return 'Noted.';
  },
  {
    name: 'note',
    description: 'Stores a fact about the trip.',
    schema: z.object({ key: z.string(), fact: z.string() }),
  },
);
const lookUp = tool(
  async ({ question }) => {
    const found = (await getStore()?.search(['trips'], { query: question, limit: 3 })) ?? [];
    return found.map(({ value }) => value.fact).join(' ') || 'No facts found.';
  },
  { name: 'look_up', description: 'Searches the facts about the trip.', schema: z.object({ question: z.string() }) },
);

/** An agent that calls one tool and then repeats the result of the tool. */
function agent(name: string, call: { name: string; args: Record<string, string> }) {
  const repeat = (messages: readonly { text: string }[]) => new AIMessage(`${name}: ${messages.at(-1)?.text}`);
  const model = fakeModel()
    .respondWithTools([{ ...call, id: 'call-1' }])
    .respond((messages) => repeat(messages));
  const made = createAgent({ model, tools: [note, lookUp], name });
  return async (state: typeof MessagesAnnotation.State) => {
    const { messages } = await made.invoke(state);
    return { messages: messages.slice(-1) };
  };
}

async function run(store: MemoryHandleStore, fact: { key: string; fact: string }, question: string): Promise<string[]> {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('scout', agent('scout', { name: 'note', args: fact }))
    .addNode('planner', agent('planner', { name: 'look_up', args: { question } }))
    .addNode('writer', agent('writer', { name: 'look_up', args: { question: 'what does Dana want' } }))
    .addEdge(START, 'scout')
    .addEdge('scout', 'planner')
    .addEdge('planner', 'writer')
    .addEdge('writer', END)
    .compile({ store });
  const { messages } = await graph.invoke({ messages: [{ role: 'user', content: 'Plan my trip.' }] });
  return messages.slice(1).map(({ text }) => text);
}

const folder = await mkdtemp(join(tmpdir(), 'memory-'));
const access = [allow({ serviceId: 'trip-desk' }, 'writer', ['desk'])];
const scope = { namespace: ['desk'] };

for (const [key, fact] of [
  ['train', 'Dana wants to go by train.'],
  ['seat', 'Dana wants a window seat.'],
] as const) {
  // Each run opens the folder again, as after a restart.
  await using memory = await MemoryStore.open(folder, { access });
  const store = new MemoryHandleStore(memory.as({ serviceId: 'trip-desk' }, scope));
  for (const line of await run(store, { key, fact }, 'how does Dana want to travel')) console.log(line);
}

await using memory = await MemoryStore.open(folder, { access });
const stranger = new MemoryHandleStore(memory.as({ agentId: 'stranger' }, scope));
console.log('an agent without a rule finds', (await stranger.search([], { query: 'Dana' })).length, 'items');
await rm(folder, { recursive: true });
