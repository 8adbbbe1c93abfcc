import { AIMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';
import * as aiSdk from 'multi-agent-memory/ai-sdk';
import {
  MemoryHandleRetriever,
  MemoryHandleVectorStore,
  memoryMiddleware,
  recallTool,
} from 'multi-agent-memory/langchain';
import { expect, test } from 'vitest';
import { openInMemory } from '../store/stores';

/** A handle with 10 memories, of which 2 fit into one answer of the store. */
async function opened() {
  const store = await openInMemory({ limits: { answerBytes: 4_000 } });
  const handle = store.as({ agentId: 'support' }, { namespace: ['support'] });
  await handle.rememberMany(
    Array.from({ length: 10 }, (_, i) => ({ text: `Dana prefers e-mail. ${`Note ${i} of the call. `.repeat(60)}` })),
  );
  await expect(handle.recall('How do we reach Dana?')).rejects.toThrow('limits.answerBytes');
  return handle;
}

const query = 'How do we reach Dana?';

test('the recall tool finds memories if `topK` of them do not fit into one answer of the store', async () => {
  const handle = await opened();
  expect(await recallTool(handle).invoke({ query })).toContain('Dana prefers e-mail.');
  expect(await recallTool(handle, { recall: { topK: 50 } }).invoke({ query })).toContain('Dana prefers e-mail.');
  const tool = aiSdk.recallTool(handle) as unknown as { execute(input: object, options: object): Promise<unknown> };
  expect(JSON.stringify(await tool.execute({ query, limit: 10 }, { toolCallId: 't', messages: [] }))).toContain(
    'Dana prefers e-mail.',
  );
});

test('the middleware finds memories if `topK` of them do not fit into one answer of the store', async () => {
  const model = fakeModel().respond(new AIMessage('By e-mail.'));
  await createAgent({ model, middleware: [memoryMiddleware(await opened())] }).invoke({ messages: query });
  expect(model.calls[0]?.messages[0]?.text).toContain('Dana prefers e-mail.');
});

test('a `topK` above the limit of the store is still refused', async () => {
  const model = fakeModel().respond(new AIMessage('By e-mail.'));
  const middleware = [memoryMiddleware(await opened(), { recall: { topK: 5_000 } })];
  await expect(createAgent({ model, middleware }).invoke({ messages: query })).rejects.toThrow('Invalid topK');
});

test('retrievers and vector stores return the best documents that fit into one answer of the store', async () => {
  const handle = await opened();
  expect(await new MemoryHandleRetriever({ handle }).invoke(query)).toHaveLength(2);
  const vectors = new MemoryHandleVectorStore(handle);
  expect(await vectors.similaritySearch(query, 10)).toHaveLength(2);
  await expect(vectors.similaritySearch(query, 5_000)).rejects.toThrow('Invalid topK');
});
