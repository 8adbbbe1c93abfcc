/**
 * Three agents of one LangGraph graph share a store. The scout may write what it finds, the planner makes plans of it, and the
 * writer answers the customer; a second run, after a restart, builds on what the first one left.
 *
 * The agents are LangChain's own, with its own fake models, so that the program needs no network.
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
    description: 'Notes a fact about the trip.',
    schema: z.object({ key: z.string(), fact: z.string() }),
  },
);
const lookUp = tool(
  async ({ question }) => {
    const found = (await getStore()?.search(['trips'], { query: question, limit: 3 })) ?? [];
    return found.map(({ value }) => value.fact).join(' ') || 'Nothing is known.';
  },
  { name: 'look_up', description: 'Looks up what is known.', schema: z.object({ question: z.string() }) },
);

/** An agent that calls one tool, and then says what the tool told it. */
function agent(name: string, call: { name: string; args: Record<string, string> }) {
  const said = (messages: readonly { text: string }[]) => new AIMessage(`${name}: ${messages.at(-1)?.text}`);
  const model = fakeModel()
    .respondWithTools([{ ...call, id: 'call-1' }])
    .respond((messages) => said(messages));
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
  // Each run opens the folder anew, as after a restart.
  await using memory = await MemoryStore.open(folder, { access });
  const store = new MemoryHandleStore(memory.as({ serviceId: 'trip-desk' }, scope));
  for (const line of await run(store, { key, fact }, 'how does Dana want to travel')) console.log(line);
}

await using memory = await MemoryStore.open(folder, { access });
const stranger = new MemoryHandleStore(memory.as({ agentId: 'stranger' }, scope));
console.log('a stranger finds', (await stranger.search([], { query: 'Dana' })).length, 'items');
await rm(folder, { recursive: true });
