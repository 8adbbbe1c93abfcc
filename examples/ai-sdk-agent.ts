/**
 * One line gives a model of the AI SDK a memory: it knows what a customer said in an earlier conversation.
 *
 * The model is the SDK's mock model, so the program needs no network. Its answers depend on whether a memory is in the prompt.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateText, stepCountIs, wrapLanguageModel } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { allow, MemoryStore } from 'multi-agent-memory';
import { memoryMiddleware, memoryTools } from 'multi-agent-memory/ai-sdk';

const folder = await mkdtemp(join(tmpdir(), 'memory-'));
const store = await MemoryStore.open(folder, { access: [allow('everyone', 'writer', ['support'])] });
const handle = store.as({ agentId: 'support' }, { namespace: ['support'], userId: 'customer-4417' });

const usage = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
};
const answer = (text: string) => ({
  content: [{ type: 'text' as const, text }],
  finishReason: { unified: 'stop' as const, raw: undefined },
  usage,
  warnings: [],
});
const mock = new MockLanguageModelV3({
  doGenerate: async ({ prompt }) => {
    const text = JSON.stringify(prompt);
    if (text.includes('Which hub')) return answer(text.includes('Rohloff') ? 'A Rohloff hub.' : 'I do not know.');
    return answer('A fine bicycle.');
  },
});

// This line adds the memory.
const model = wrapLanguageModel({ model: mock, middleware: memoryMiddleware(handle) });

for (const prompt of ['My bicycle is a red Thorn with a Rohloff hub.', 'Which hub does my bicycle have?']) {
  const { text } = await generateText({ model, prompt });
  console.log(`> ${prompt}\n${text}`);
}

// With tools, the model itself decides what to remember.
const call = {
  type: 'tool-call' as const,
  toolCallId: 'call-1',
  toolName: 'remember',
  input: JSON.stringify({ text: 'The Rohloff hub was serviced on 3 March.' }),
};
const notingModel = new MockLanguageModelV3({
  doGenerate: [
    { ...answer(''), content: [call], finishReason: { unified: 'tool-calls', raw: undefined } },
    answer('Noted.'),
  ],
});
const { text } = await generateText({
  model: notingModel,
  tools: memoryTools(handle),
  stopWhen: stepCountIs(2),
  prompt: 'The hub was serviced on 3 March.',
});
console.log(`> The hub was serviced on 3 March.\n${text}`);
for (const memory of (await handle.list({ order: 'oldest' })).items) console.log(memory.text.replaceAll('\n', ' / '));

await store.close();
await rm(folder, { recursive: true });
