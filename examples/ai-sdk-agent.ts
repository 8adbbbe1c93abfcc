/**
 * One line gives an application of the AI SDK a memory: what a customer said in one conversation the model knows in the next.
 * With the SDK's own mock model, so that the program needs no network: it answers by what it is shown.
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
    const shown = JSON.stringify(prompt);
    if (shown.includes('Which hub')) return answer(shown.includes('Rohloff') ? 'A Rohloff hub.' : 'I do not know.');
    return answer('A fine bicycle.');
  },
});

// The one line.
const model = wrapLanguageModel({ model: mock, middleware: memoryMiddleware(handle) });

for (const prompt of ['My bicycle is a red Thorn with a Rohloff hub.', 'Which hub does my bicycle have?']) {
  const { text } = await generateText({ model, prompt });
  console.log(`> ${prompt}\n${text}`);
}

// A model that decides by itself what to remember has tools instead.
const call = {
  type: 'tool-call' as const,
  toolCallId: 'call-1',
  toolName: 'remember',
  input: JSON.stringify({ text: 'The Rohloff hub was serviced on 3 March.' }),
};
const noting = new MockLanguageModelV3({
  doGenerate: [
    { ...answer(''), content: [call], finishReason: { unified: 'tool-calls', raw: undefined } },
    answer('Noted.'),
  ],
});
const { text } = await generateText({
  model: noting,
  tools: memoryTools(handle),
  stopWhen: stepCountIs(2),
  prompt: 'The hub was serviced on 3 March.',
});
console.log(`> The hub was serviced on 3 March.\n${text}`);
for (const memory of (await handle.list({ order: 'oldest' })).items) console.log(memory.text.replaceAll('\n', ' / '));

await store.close();
await rm(folder, { recursive: true });
