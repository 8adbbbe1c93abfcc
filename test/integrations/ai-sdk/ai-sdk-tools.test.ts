import { generateText, stepCountIs } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { allow, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { forgetTool, memoryMiddleware, memoryTools, recallTool, rememberTool } from 'multi-agent-memory/ai-sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { versions } from './sdk-versions';

let store: MemoryStore;
let handle: MemoryHandle;

beforeEach(async () => {
  store = await MemoryStore.inMemory({ access: [allow('everyone', 'writer', ['support'])] });
  handle = store.as({ agentId: 'support' }, { namespace: ['support'], userId: 'u-1' });
});

afterEach(() => store.close());

test.each(versions)('a model of $name can use the tools to remember and recall', async ({ app }) => {
  const steps = [
    { tool: 'remember', input: { text: 'The hub is a Rohloff.' } },
    { tool: 'recall', input: { query: 'which hub?' } },
    { say: 'A Rohloff.' },
  ];
  const { generate, prompts } = app(handle, steps, { remember: false });
  expect(await generate('Note my hub.')).toBe('A Rohloff.');
  expect((await handle.list()).items).toMatchObject([{ text: 'The hub is a Rohloff.', userId: 'u-1' }]);
  expect(JSON.stringify(prompts()[2])).toMatch(/data that others wrote.*recalled-memories.*Rohloff/);
});

test.each(versions)('a ToolLoopAgent of $name can use the middleware and the tools', async ({ app }) => {
  await handle.remember('The bicycle has a Rohloff hub.');
  const steps = [{ tool: 'remember', input: { text: 'The hub was serviced in May.' } }, { say: 'Noted.' }];
  const { agent, prompts } = app(handle, steps);
  expect(await agent('My bicycle hub was serviced in May.')).toBe('Noted.');
  expect(JSON.stringify(prompts()[0])).toMatch(/recalled-memories.*Rohloff/);
  const texts = (await handle.list()).items.map(({ text }) => text).sort();
  expect(texts).toEqual([
    'The bicycle has a Rohloff hub.',
    'The hub was serviced in May.',
    'User: My bicycle hub was serviced in May.\nAgent: Noted.',
  ]);
});

test.each(versions)('$name rejects additional arguments and reports them to the model', async ({ app }) => {
  const steps = [{ tool: 'remember', input: { text: 'x', namespace: ['other'], agentId: 'root' } }, { say: 'Sorry.' }];
  const { generate, prompts } = app(handle, steps, { remember: false });
  await generate('Remember x.');
  expect((await handle.list()).items).toEqual([]);
  expect(JSON.stringify(prompts()[1])).toMatch(/[Ii]nvalid input/);
});

test.each(versions)('$name reports an error of the store to the model', async ({ app }) => {
  const denied = store.as({ agentId: 'support' }, { namespace: ['other'] });
  const steps = [{ tool: 'remember', input: { text: 'x' } }, { say: 'Sorry.' }];
  const { generate, prompts } = app(denied, steps, { remember: false });
  expect(await generate('Remember x.')).toBe('Sorry.');
  expect(JSON.stringify(prompts()[1])).toMatch(/error-text.*Not allowed to write/);
});

test('memoryTools does not include forget', async () => {
  const { id } = await handle.remember('The hub is a Rohloff.');
  const tools = { ...memoryTools(handle), forget: forgetTool(handle) };
  expect(Object.keys(memoryTools(handle))).toEqual(['remember', 'recall']);
  let calls = 0;
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const call = { type: 'tool-call', toolCallId: 'c', toolName: 'forget', input: JSON.stringify({ id }) };
  const model = new MockLanguageModelV3({
    doGenerate: (async () => ({
      content: calls++ === 0 ? [call] : [{ type: 'text', text: 'Done.' }],
      finishReason: { unified: calls === 1 ? 'tool-calls' : 'stop', raw: undefined },
      usage,
      warnings: [],
    })) as never,
  });
  await generateText({ model, tools, stopWhen: stepCountIs(2), prompt: 'Forget my hub.' });
  expect(await handle.get(id)).toBeUndefined();
  expect(await tools.forget.execute({ id }, {})).toBe('No memory with this id was found.');
});

test('`recall` uses the options of the host, and reports when it finds nothing', async () => {
  await handle.remember('The hub is a Rohloff.', { tags: ['bicycle'] });
  await handle.remember('The hub of the network is in Mainz.');
  const tool = recallTool(handle, { recall: { tags: ['bicycle'], topK: 3 } });
  expect(await tool.execute({ query: 'hub' }, {})).not.toContain('Mainz');
  expect(tool.inputSchema.safeParse({ query: 'hub', limit: 4 }).success).toBe(false);
  expect(await recallTool(handle, { maxTokens: 10 }).execute({ query: 'hub' }, {})).toMatch(/too long to show/);
  const nobody = store.as({ agentId: 'a' }, { namespace: ['other'] });
  expect(await recallTool(nobody).execute({ query: 'hub' }, {})).toBe('No matching memories were found.');
});

test('an aborted call writes nothing', async () => {
  const aborted = rememberTool(handle).execute({ text: 'x' }, { abortSignal: AbortSignal.abort() });
  await expect(aborted).rejects.toThrow();
  expect((await handle.list()).items).toEqual([]);
});

test('values that are not handles and unknown options are rejected', () => {
  const invalidInput = expect.objectContaining({ code: 'INVALID_INPUT' });
  for (const make of [memoryMiddleware, recallTool, rememberTool, forgetTool])
    expect(() => make(store as never)).toThrow(invalidInput);
  expect(() => memoryTools(handle, { topK: 1 } as object)).toThrow(invalidInput);
});
