/**
 * One line gives an existing agent of LangChain a memory: what a customer told it on one thread it knows on the next, and what
 * another agent learned it knows as well. With LangChain's own fake model, so that the program needs no
 * network: it answers by what it is shown.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';
import { allow, MemoryStore } from 'multi-agent-memory';
import { memoryMiddleware } from 'multi-agent-memory/langchain';

const folder = await mkdtemp(join(tmpdir(), 'memory-'));
const store = await MemoryStore.open(folder, { access: [allow('everyone', 'writer', ['support'])] });
const handle = store.as({ agentId: 'support' }, { namespace: ['support'], userId: 'customer-4417' });

/** What a model would answer that is shown a memory, and one that is not. */
const ifShown = (memory: string, answer: string) => (messages: readonly BaseMessage[]) =>
  new AIMessage(messages.at(-1)?.text.includes(memory) ? answer : 'I do not know.');

const agent = createAgent({
  model: fakeModel()
    .respond(new AIMessage('A fine bicycle.'))
    .respond(ifShown('My bicycle is a red Thorn with a Rohloff hub.', 'A Rohloff hub.'))
    .respond(ifShown('The Rohloff hub was serviced on 3 March.', 'Yes, on 3 March.')),
  systemPrompt: 'You help customers of a bicycle shop.',
  middleware: [memoryMiddleware(handle)],
});

async function ask(thread: string, message: string): Promise<void> {
  const { messages } = await agent.invoke({ messages: message }, { configurable: { thread_id: thread } });
  console.log(`${thread}> ${message}\n${messages.at(-1)?.text}`);
}

await ask('monday', 'My bicycle is a red Thorn with a Rohloff hub.');
await ask('friday', 'Which hub does my bicycle have?');

const workshop = store.as({ agentId: 'workshop' }, { namespace: ['support'], userId: 'customer-4417' });
await workshop.remember('The Rohloff hub was serviced on 3 March.');
await ask('saturday', 'Was my hub serviced?');

await store.close();
await rm(folder, { recursive: true });
