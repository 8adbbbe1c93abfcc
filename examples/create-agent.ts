/**
 * One line gives an agent of LangChain a memory. It knows what a customer said in an earlier thread, and what another agent stored.
 *
 * The model is LangChain's fake model, so the program needs no network. Its answers depend on whether a memory is in the prompt.
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

/** Answers with `answer` if the prompt contains a memory. */
const ifRecalled = (memory: string, answer: string) => (messages: readonly BaseMessage[]) =>
  new AIMessage(messages.at(-1)?.text.includes(memory) ? answer : 'I do not know.');

const agent = createAgent({
  model: fakeModel()
    .respond(new AIMessage('A fine bicycle.'))
    .respond(ifRecalled('My bicycle is a red Thorn with a Rohloff hub.', 'A Rohloff hub.'))
    .respond(ifRecalled('The Rohloff hub was serviced on 3 March.', 'Yes, on 3 March.')),
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
