import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { InvalidNamespaceError } from '@langchain/langgraph-checkpoint';
import { createAgent } from 'langchain';
import { MemoryStore } from 'multi-agent-memory';
import {
  MemoryHandleChatHistory,
  MemoryHandleRetriever,
  MemoryHandleVectorStore,
  memoryMiddleware,
  memoryTools,
} from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { expect, onTestFinished, test } from 'vitest';
import { codeOf, openFolder, temporaryFolder } from '../store/stores';

async function opened() {
  const folder = await temporaryFolder();
  await openFolder(folder, { serve: true });
  const store = await MemoryStore.connect(folder);
  onTestFinished(() => store.close());
  return store.as({ agentId: 'a' }, { namespace: ['support'] });
}

test('MemoryHandleStore works through a connection to the process that has the folder open', async () => {
  const store = new MemoryHandleStore(await opened());
  await store.put(['users', '1'], 'contact', { by: 'e-mail', n: 1 });
  await store.put(['users', '2'], 'contact', { by: 'phone', n: null });
  expect(await store.get(['users', '1'], 'contact')).toMatchObject({
    value: { by: 'e-mail' },
    createdAt: expect.any(Date),
  });
  expect(await store.search(['users'], { filter: { n: null } })).toMatchObject([{ namespace: ['users', '2'] }]);
  expect(await store.search(['users'], { query: 'who wants e-mail', limit: 1 })).toMatchObject([{ value: { n: 1 } }]);
  expect(await store.listNamespaces({ suffix: ['*'], maxDepth: 1 })).toEqual([['users']]);
  await store.delete(['users', '1'], 'contact');
  expect(await store.search([])).toHaveLength(1);
  const deep = Array.from({ length: 17 }, () => 'a');
  await expect(store.put(deep, 'k', {})).rejects.toBeInstanceOf(InvalidNamespaceError);
  await expect(store.get(deep, 'k')).rejects.toBeInstanceOf(InvalidNamespaceError);
  expect(await codeOf(() => store.put(['a'], 'k', { at: new Date(0) }))).toBe('INVALID_INPUT');
});

test('the LangChain classes work through a connection', async () => {
  const handle = await opened();
  const history = new MemoryHandleChatHistory(handle, { sessionId: 's' });
  await Promise.all([
    history.addUserMessage('one'),
    history.addMessages([new AIMessage('two'), new HumanMessage('three')]),
  ]);
  expect((await history.getMessages()).map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  await history.clear();
  const vectors = new MemoryHandleVectorStore(handle);
  await vectors.addDocuments([{ pageContent: 'Refunds take three days.', metadata: { page: 4 }, id: 'refunds' }]);
  expect(await new MemoryHandleRetriever({ handle }).invoke('refunds')).toMatchObject([
    { id: 'refunds', metadata: { page: 4 } },
  ]);
  const [remember, recall] = memoryTools(handle);
  expect(await remember.invoke({ text: 'Dana moved to Oslo.' })).toBe('Remembered.');
  expect(await recall.invoke({ query: 'Oslo' })).toContain('> Dana moved to Oslo.');
  const model = fakeModel().respond(new AIMessage('In Oslo.'));
  await createAgent({ model, middleware: [memoryMiddleware(handle)] }).invoke({ messages: 'Where does Dana live?' });
  expect(model.calls[0]?.messages[0]?.text).toContain('> Dana moved to Oslo.');
  expect(await handle.count()).toBe(3);
});
