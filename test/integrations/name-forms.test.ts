import { InvalidNamespaceError } from '@langchain/langgraph-checkpoint';
import { MemoryHandleChatHistory, MemoryHandleVectorStore } from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { describe, expect, test } from 'vitest';
import { codeOf, openInMemory } from '../store/stores';
import { answered, call, connected } from './mcp/test-client';

const [nfc, nfd] = ['caf\u00e9', 'cafe\u0301'];

async function opened() {
  const store = await openInMemory();
  return store.as({ agentId: 'a' }, { namespace: ['team'] });
}

describe.each([
  [nfc, nfd],
  [nfd, nfc],
])('through an integration, a name written as %j', (written, read) => {
  test('is one item of a LangGraph store in both forms', async () => {
    const store = new MemoryHandleStore(await opened());
    await store.put([written, 'x'], written, { n: 1 });
    expect(await store.get([read, 'x'], read)).toMatchObject({ namespace: [nfc, 'x'], key: nfc, value: { n: 1 } });
    expect((await store.search([read])).map(({ key }) => key)).toEqual([nfc]);
    expect(await store.listNamespaces({ prefix: [read] })).toEqual([[nfc, 'x']]);
    expect(await store.listNamespaces({ prefix: ['*'], suffix: [read, 'x'] })).toEqual([[nfc, 'x']]);
    await store.delete([read, 'x'], read);
    expect(await store.get([written, 'x'], written)).toBeNull();
  });

  test('is one item in a batch of a LangGraph store, whose operations keep their order', async () => {
    const store = new MemoryHandleStore(await opened());
    const put = (key: string, n: number) => ({ namespace: ['n'], key, value: { n } });
    for (let n = 0; n < 5; n++) {
      await store.batch([put(written, n), put(read, n + 100), { namespace: ['n'], key: written, value: null }]);
      expect(await store.get(['n'], read)).toBeNull();
    }
  });

  test('is one document of a LangChain vector store in both forms', async () => {
    const vectors = new MemoryHandleVectorStore(await opened());
    const document = { pageContent: 'A note.', metadata: {}, id: written };
    expect(await vectors.addDocuments([document])).toEqual([nfc]);
    expect(await vectors.addDocuments([document], { ids: [read] })).toEqual([nfc]);
    expect((await vectors.similaritySearch('note')).map(({ id }) => id)).toEqual([nfc]);
    await vectors.delete({ ids: [read] });
    expect(await vectors.similaritySearch('note')).toEqual([]);
  });

  test('is one session of a LangChain chat history in both forms', async () => {
    const handle = await opened();
    await new MemoryHandleChatHistory(handle, { sessionId: written }).addUserMessage('Hello.');
    expect(await new MemoryHandleChatHistory(handle, { sessionId: read }).getMessages()).toHaveLength(1);
    const inSession = handle.within({ sessionId: written });
    expect(await new MemoryHandleChatHistory(inSession, { sessionId: read }).getMessages()).toHaveLength(1);
  });

  test('is one key and one namespace in both forms for MCP tools and resources', async () => {
    const client = await connected(await opened());
    await answered(client, 'add_memory', { text: 'A note.', namespace: ['team', written], key: written });
    const found = await answered(client, 'get_memory', { namespace: ['team', read], key: read });
    expect(found).toMatchObject({ memory: { namespace: ['team', nfc], key: nfc } });
    const uri = `memory://namespaces/team/${encodeURIComponent(read)}`;
    expect((await client.readResource({ uri })).contents).toHaveLength(1);
  });
});

describe('through an integration, a name with hidden characters', () => {
  test('is an InvalidNamespaceError as a LangGraph namespace, and INVALID_INPUT as a key', async () => {
    const store = new MemoryHandleStore(await opened());
    for (const run of [
      () => store.put(['a\u202eb'], 'k', {}),
      () => store.get(['a\nb'], 'k'),
      () => store.search(['a\u202eb']),
      () => store.listNamespaces({ prefix: ['a\u202eb'] }),
    ])
      await expect(run()).rejects.toBeInstanceOf(InvalidNamespaceError);
    for (const key of ['a\nb', 'a\u202eb']) {
      expect(await codeOf(() => store.put(['a'], key, {}))).toBe('INVALID_INPUT');
      expect(await codeOf(() => store.get(['a'], key))).toBe('INVALID_INPUT');
    }
  });

  test('is INVALID_INPUT as the id of a LangChain document, and no document of the call is stored', async () => {
    const handle = await opened();
    const documents = ['fine', 'a\tb'].map((id) => ({ pageContent: 'A note.', metadata: {}, id }));
    expect(await codeOf(() => new MemoryHandleVectorStore(handle).addDocuments(documents))).toBe('INVALID_INPUT');
    expect(await handle.count()).toBe(0);
    expect(await codeOf(() => new MemoryHandleChatHistory(handle, { sessionId: 'a\0' }))).toBe('INVALID_INPUT');
  });

  test('is an error of an MCP tool that names the code point', async () => {
    const result = await call(await connected(await opened()), 'add_memory', { text: 'A note.', key: 'a\u202eb' });
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).toContain('U+202E');
  });
});
