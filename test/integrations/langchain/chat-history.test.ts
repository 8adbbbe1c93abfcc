import { LangChainError } from '@langchain/core/errors';
import {
  AIMessage,
  AIMessageChunk,
  type AIMessageFields,
  type BaseMessage,
  ChatMessage,
  FunctionMessage,
  HumanMessage,
  RemoveMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages';
import { RunnableWithMessageHistory } from '@langchain/core/runnables';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import fc from 'fast-check';
import { allow, MemoryError, MemoryStore } from 'multi-agent-memory';
import { MemoryHandleChatHistory, MessageRefusedError } from 'multi-agent-memory/langchain';
import { describe, expect, test } from 'vitest';
import { codeOf, issuePaths, openInMemory } from '../../store/stores';

async function opened() {
  const store = await openInMemory({ clock: { now: () => Date.UTC(2026, 0, 1) } });
  const handle = store.as({ agentId: 'a' }, { namespace: ['chat'], userId: 'u1' });
  return { store, handle, history: new MemoryHandleChatHistory(handle, { sessionId: 's1' }) };
}

const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBOR'.repeat(100)}` } };
const messages: BaseMessage[] = [
  new SystemMessage('Be brief.'),
  new HumanMessage({
    content: 'Where is my order?',
    id: 'h-1',
    name: 'mori',
    additional_kwargs: { x: [1, null], lc: 1 },
  }),
  new HumanMessage({ content: [{ type: 'text', text: 'And this?' }, image] }),
  new HumanMessage({ content: [image] }),
  new AIMessage({
    content: '',
    id: 'a-1',
    tool_calls: [{ name: 'search', args: { q: 'order', deep: { n: 1 } }, id: 't-1', type: 'tool_call' }],
    usage_metadata: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
    response_metadata: { model: 'm' },
  } as unknown as AIMessageFields),
  new AIMessage({ content: '', invalid_tool_calls: [{ name: 'f', args: '{', id: 't-2', error: 'no JSON' }] }),
  new ToolMessage({
    content: 'found',
    tool_call_id: 't-1',
    artifact: { rows: [1, 2] },
    status: 'error',
    name: 'search',
  }),
  new ToolMessage({ content: [{ type: 'text', text: 'found' }, image], tool_call_id: 't-1' }),
  new FunctionMessage({ content: '1', name: 'f' }),
  new ChatMessage({ content: 'hello', role: 'moderator' }),
  new AIMessage({
    content: [
      { type: 'reasoning', reasoning: 'hm' },
      { type: 'text', text: 'It arrives today.' },
    ],
  }),
  new HumanMessage('  leading and trailing \n\n'),
  new HumanMessage(''),
  new HumanMessage(' '),
  new HumanMessage('x'.repeat(200_000)),
];

describe('the messages of a chat history', () => {
  test.each(messages.map((message) => [message.getType(), message] as const))(
    'of type %s are restored exactly',
    async (_, message) => {
      const { history } = await opened();
      await history.addMessage(message);
      const [kept] = await history.getMessages();
      expect(kept?.getType()).toBe(message.getType());
      expect(kept?.constructor).toBe(message.constructor);
      expect(kept).toEqual(message);
    },
  );

  test('half a surrogate pair is restored as U+FFFD, because providers of models reject it', async () => {
    const { history } = await opened();
    await history.addMessage(new HumanMessage('half of a pair: \ud800'));
    expect((await history.getMessages())[0]?.content).toBe('half of a pair: \ufffd');
  });

  test('a chunk of a stream is restored as a message', async () => {
    const { history } = await opened();
    const chunk = new AIMessageChunk({
      content: 'It is',
      tool_call_chunks: [{ name: 'f', args: '{"a":1}', id: 't-1', index: 0, type: 'tool_call_chunk' }],
    });
    await history.addMessage(chunk);
    const [kept] = await history.getMessages();
    expect(kept).toBeInstanceOf(AIMessage);
    expect(kept?.text).toBe('It is');
    expect((kept as AIMessage).tool_calls).toEqual([{ name: 'f', args: { a: 1 }, id: 't-1', type: 'tool_call' }]);
  });

  test('are memories of the session and can be searched', async () => {
    const { handle, history } = await opened();
    await history.addMessages(messages.slice(0, 5));
    const [hit] = await handle.recall('search order deep', { mode: 'keyword', topK: 1 });
    expect(hit).toMatchObject({
      text: 'search({"q":"order","deep":{"n":1}})',
      sessionId: 's1',
      userId: 'u1',
      agentId: 'a',
    });
    const [asked] = await handle.recall('where is my order', { topK: 1 });
    expect(asked).toMatchObject({ text: 'Where is my order?', source: { channel: 'user' } });
  });
});

describe('the order of messages', () => {
  test('is the order of the calls; messages from one call stay together even if calls run at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }), async (sizes) => {
        await using store = await MemoryStore.inMemory({
          clock: { now: () => 1 },
          access: [allow('everyone', 'writer', [])],
        });
        const handle = store.as({ agentId: 'a' }, { namespace: ['chat'], sessionId: 's' });
        const named = sizes.map((size, call) =>
          Array.from({ length: size }, (_, i) => new HumanMessage(`${call}.${i}`)),
        );
        // A new history for each call, as in RunnableWithMessageHistory.
        await Promise.all(named.map((each) => new MemoryHandleChatHistory(handle).addMessages(each)));
        const kept = await new MemoryHandleChatHistory(handle).getMessages();
        expect(kept.map(({ text }) => text)).toEqual(named.flat().map(({ text }) => text));
      }),
      { numRuns: 20 },
    );
  });

  test('is kept if a small call starts while a large call is still being checked', async () => {
    const store = await openInMemory();
    const handle = store.as({ agentId: 'a' }, { namespace: ['chat'], sessionId: 's' });
    const sizes = [400, 1, 300, 2];
    const named = sizes.map((size, call) => Array.from({ length: size }, (_, i) => new HumanMessage(`${call}.${i}`)));
    const rejected = [new HumanMessage({ content: 'x', additional_kwargs: { at: new Date(0) } })];
    const adding = [named[0], named[1], rejected, named[2], named[3]].map((each) =>
      new MemoryHandleChatHistory(handle).addMessages(each as HumanMessage[]),
    );
    expect((await Promise.allSettled(adding)).map(({ status }) => status[0])).toEqual(['f', 'f', 'r', 'f', 'f']);
    const kept = await new MemoryHandleChatHistory(handle).getMessages();
    expect(kept.map(({ text }) => text)).toEqual(named.flat().map(({ text }) => text));
  });

  test('is kept for more messages than fit into one page of a list', async () => {
    const { history } = await opened();
    const many = Array.from({ length: 1_100 }, (_, i) => new HumanMessage(`message ${i}`));
    await history.addMessages(many.slice(0, 600));
    await history.addMessages(many.slice(600));
    expect((await history.getMessages()).map(({ text }) => text)).toEqual(many.map(({ text }) => text));
  }, 60_000);
});

describe('a session', () => {
  test('has only its own messages, and no other memories', async () => {
    const { handle, history } = await opened();
    const other = new MemoryHandleChatHistory(handle, { sessionId: 's2' });
    await history.addUserMessage('one');
    await other.addAIMessage('two');
    await handle.remember('three', { sessionId: 's1' });
    expect((await history.getMessages()).map(({ text }) => text)).toEqual(['one']);
    await history.clear();
    expect(await history.getMessages()).toEqual([]);
    expect((await other.getMessages()).map(({ text }) => text)).toEqual(['two']);
    expect(await handle.count()).toBe(2);
  });

  test('is the session of the handle, and a different option `sessionId` is rejected', async () => {
    const { handle } = await opened();
    const inSession = handle.within({ sessionId: 's1' });
    await new MemoryHandleChatHistory(inSession).addUserMessage('one');
    expect(await new MemoryHandleChatHistory(handle, { sessionId: 's1' }).getMessages()).toHaveLength(1);
    expect(await codeOf(() => new MemoryHandleChatHistory(inSession, { sessionId: 's2' }))).toBe('INVALID_INPUT');
    expect(await codeOf(() => new MemoryHandleChatHistory(handle))).toBe('INVALID_INPUT');
    expect(await codeOf(() => new MemoryHandleChatHistory(handle, { session: 's' } as never))).toBe('INVALID_INPUT');
  });

  test('is cleared as far as the rules allow; the error contains the number of messages that remain', async () => {
    const store = await openInMemory({ access: [allow('everyone', 'writer', [])] });
    const [one, other] = ['a', 'b'].map(
      (agentId) => new MemoryHandleChatHistory(store.as({ agentId }, { namespace: ['chat'], sessionId: 's' })),
    );
    await one?.addUserMessage('by a');
    await other?.addUserMessage('by b');
    await expect(one?.clear()).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('1 of 2') });
    expect((await one?.getMessages())?.map(({ text }) => text)).toEqual(['by b']);
  });
});

describe('a message that cannot be stored unchanged', () => {
  const large = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(100_000)}` } };
  test.each([
    ['a value that is not a message', 'hello' as never],
    ['a message that removes another', new RemoveMessage({ id: 'h-1' }) as BaseMessage],
    ['an image over the metadata limit', new HumanMessage({ content: [large] })],
    [
      'bytes',
      new HumanMessage({ content: [{ type: 'image', data: new Uint8Array(2), mimeType: 'image/png' }] as never }),
    ],
    ['a date', new AIMessage({ content: 'x', additional_kwargs: { at: new Date(0) } })],
    ['a text over the limit', new HumanMessage('x'.repeat(1_100_000))],
  ])('%s is rejected with a MessageRefusedError, and nothing of its call is stored', async (_, message) => {
    const { handle, history } = await opened();
    const error = await history.addMessages([new HumanMessage('before'), message]).catch((each) => each);
    expect(error).toBeInstanceOf(MessageRefusedError);
    expect(LangChainError.isInstance(error)).toBe(true);
    expect(await handle.count()).toBe(0);
  });

  test('every other error is a MemoryError', async () => {
    const store = await openInMemory({ access: [] });
    const history = new MemoryHandleChatHistory(store.as({ agentId: 'a' }, { namespace: ['chat'], sessionId: 's' }));
    const error = await history.addUserMessage('hello').catch((each) => each);
    expect(MemoryError.is(error) && error.code).toBe('FORBIDDEN');
    const withoutNamespace = new MemoryHandleChatHistory(store.admin, { sessionId: 's' });
    expect(await issuePaths(() => withoutNamespace.addUserMessage('hello'))).toEqual(['0.namespace']);
  });
});

describe('RunnableWithMessageHistory', () => {
  test('stores the conversation of each session, with `invoke` and with `stream`', async () => {
    const { handle } = await opened();
    const model = new FakeListChatModel({ responses: ['Hello Mori.', 'Your name is Mori.'] });
    const chain = new RunnableWithMessageHistory({
      runnable: model,
      getMessageHistory: (sessionId) => new MemoryHandleChatHistory(handle, { sessionId }),
      config: {},
    });
    const config = { configurable: { sessionId: 's1' } };
    await chain.invoke([new HumanMessage('I am Mori.')], config);
    for await (const _ of await chain.stream([new HumanMessage('Who am I?')], config));
    const kept = await new MemoryHandleChatHistory(handle, { sessionId: 's1' }).getMessages();
    expect(kept.map((message) => [message.getType(), message.text])).toEqual([
      ['human', 'I am Mori.'],
      ['ai', 'Hello Mori.'],
      ['human', 'Who am I?'],
      ['ai', 'Your name is Mori.'],
    ]);
    expect(await new MemoryHandleChatHistory(handle, { sessionId: 's2' }).getMessages()).toEqual([]);
  });
});
