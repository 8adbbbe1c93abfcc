import { join } from 'node:path';
import { AIMessage, HumanMessage, mapChatMessagesToStoredMessages, ToolMessage } from '@langchain/core/messages';
import { MemoryHandleChatHistory } from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { beforeEach, describe, expect, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';
import { shell, values } from './shell';

let folder: string;
beforeEach(async () => {
  folder = join(await temporaryFolder(), 'memory');
});

async function imported(document: unknown, ...options: string[]) {
  const input = [typeof document === 'string' ? document : JSON.stringify(document, null, 2)];
  const ran = await shell(['import', folder, ...options], { input });
  return { ...ran, total: values(ran)[0] };
}

const totals = { stored: 0, revised: 0, duplicates: 0, failed: 0 };

describe('mem0', () => {
  const memory = {
    id: '892db2ae-06d9-49e5-8b3e-585ef9b85b8e',
    memory: 'Prefers refunds on the card.',
    hash: '1a2b',
    created_at: '2025-07-20T01:44:30.123456-07:00',
    updated_at: null,
    user_id: 'c-4417',
    agent_id: 'billing',
    run_id: 's-1',
    categories: ['payment'],
    expiration_date: '2999-12-31',
    metadata: { created_by: 'app', level: 3 },
    structured_attributes: { day: 20 },
  };
  const { id, memory: text, ...rest } = memory;
  const inJavaScript = {
    id,
    memory: text,
    userId: rest.user_id,
    createdAt: rest.created_at,
    metadata: { keepThis: 1 },
  };

  test.each([
    ['the results from the library and the platform', { count: 1, next: null, previous: null, results: [memory] }],
    ['a list from version 1', [memory]],
    ['JSON Lines', `${JSON.stringify(memory)}\n`],
  ])('imports %s', async (_, document) => {
    expect((await imported(document, '--from=mem0')).total).toEqual({ ...totals, stored: 1 });
    expect((await imported(document, '--from=mem0')).total).toEqual({ ...totals, duplicates: 1 });
    const [found] = values(await shell(['list', folder, '--about-user=c-4417', '--session=s-1', '--tag=payment']));
    expect(found).toMatchObject({
      text: memory.memory,
      namespace: ['mem0'],
      kind: 'semantic',
      validFrom: '2025-07-20T08:44:30.123Z',
      expiresAt: '2999-12-31T00:00:00.000Z',
      metadata: { created_by: 'app', level: 3, agent_id: 'billing', structured_attributes: { day: 20 } },
    });
  });

  test('imports fields with their JavaScript names', async () => {
    expect((await imported({ results: [inJavaScript] }, '--from=mem0', '--namespace=a')).code).toBe(0);
    const [found] = values(await shell(['list', folder, '--about-user=c-4417']));
    expect(found).toMatchObject({ namespace: ['a'], metadata: { keepThis: 1 }, validFrom: '2025-07-20T08:44:30.123Z' });
  });

  test('reports graph relations, which are not memories', async () => {
    const { total, errors } = await imported({ results: [memory], relations: [{ source: 'a' }] }, '--from=mem0');
    expect([total, errors]).toEqual([
      { ...totals, stored: 1, failed: 1 },
      ['file: the list "relations" cannot be imported (entries: 1).'],
    ]);
  });

  test('reports an incomplete document once, and each object that is not a memory', async () => {
    const half = JSON.stringify({ results: [memory] }, null, 2).slice(0, -20);
    const { code, errors } = await imported(half, '--from=mem0');
    expect([code, errors]).toEqual([1, [expect.stringContaining('neither a complete JSON document nor JSON Lines')]]);
    expect((await imported([{ name: 'Alex' }], '--from=mem0')).errors).toEqual([expect.stringContaining('"memory"')]);
  });
});

describe('LangGraph', () => {
  const value = { title: 'Refunds', rules: ['card first'] };
  const times = { created_at: '2025-07-20 01:44:30.12+00', updated_at: '2025-07-20T01:45:00+00:00' };

  test.each([
    ['rows from Python', [{ prefix: 'support.eu', key: 'k', value, ...times, expires_at: null, ttl_minutes: null }]],
    ['rows from JavaScript', [{ namespace_path: 'support:eu', key: 'k', value, ...times, expires_at: null }]],
    ['items', { items: [{ namespace: ['support', 'eu'], key: 'k', value, createdAt: times.updated_at }] }],
  ])('%s become items of MemoryHandleStore and can be searched', async (_, document) => {
    expect((await imported(document, '--from=langgraph')).total).toEqual({ ...totals, stored: 1 });
    expect((await imported(document, '--from=langgraph')).total).toEqual({ ...totals, duplicates: 1 });
    const store = new MemoryHandleStore((await openFolder(folder)).admin);
    expect(await store.get(['support', 'eu'], 'k')).toMatchObject({ value, key: 'k', namespace: ['support', 'eu'] });
    expect(await store.search(['support'], { query: 'card', filter: { title: 'Refunds' } })).toHaveLength(1);
    // A put of the same item revises the imported memory.
    await store.put(['support', 'eu'], 'k', { title: 'other' });
    expect(await store.search(['support'])).toHaveLength(1);
  });

  test('are stored below --namespace, and a handle with that scope finds the items', async () => {
    await imported([{ prefix: 'a', key: 'k', value: {}, ...times }], '--from=langgraph', '--namespace=root');
    const store = await openFolder(folder);
    const items = new MemoryHandleStore(store.admin.within({ namespace: ['root'] }));
    expect(await items.listNamespaces()).toEqual([['a']]);
  });

  test('reports values that are not items', async () => {
    const rows = [
      { prefix: 'a', key: 'k', value: 'text' },
      { key: 'k', value },
      { prefix: 'a', key: 'k', value, of: 1 },
      7,
    ];
    const { total, errors } = await imported(rows, '--from=langgraph');
    expect(total).toEqual({ ...totals, failed: 4 });
    // Two are of one kind.
    expect(errors[0]).toMatch(/^line 1 and 2 more: not a LangGraph item/);
    expect(errors[1]).toBe('line 3: unknown fields of a LangGraph item: of. Remove them.');
  });
});

describe('LangChain', () => {
  const messages = [
    new HumanMessage('My order has not arrived.'),
    new AIMessage({ content: '', tool_calls: [{ id: 'c1', name: 'track', args: { order: 7 }, type: 'tool_call' }] }),
    new ToolMessage({ content: 'in transit', tool_call_id: 'c1' }),
    new HumanMessage({ content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] }),
  ];
  const python = (type: string, data: object) => ({
    type,
    data: { additional_kwargs: {}, response_metadata: {}, type, name: null, id: null, example: false, ...data },
  });

  async function history(sessionId: string) {
    const store = await openFolder(folder);
    return new MemoryHandleChatHistory(store.admin.within({ namespace: ['langchain'] }), { sessionId });
  }

  test.each([
    ['stored messages', mapChatMessagesToStoredMessages(messages)],
    ['messages as JSON', messages],
    [
      'rows with a session',
      messages.map((each) => ({ session_id: 's-1', message: mapChatMessagesToStoredMessages([each])[0] })),
    ],
    [
      'rows with a text',
      messages.map((each) => ({
        SessionId: 's-1',
        History: JSON.stringify(mapChatMessagesToStoredMessages([each])[0]),
      })),
    ],
  ])('a MemoryHandleChatHistory continues with %s', async (_, document) => {
    expect((await imported(document, '--from=langchain', '--session=s-1')).total).toEqual({ ...totals, stored: 4 });
    expect((await imported(document, '--from=langchain', '--session=s-1')).total).toEqual({ ...totals, duplicates: 4 });
    const found = await history('s-1');
    await found.addMessage(new AIMessage('It will come tomorrow.'));
    const read = await found.getMessages();
    expect(read.map((each) => each.getType())).toEqual(['human', 'ai', 'tool', 'human', 'ai']);
    expect(read.slice(0, 4).map(({ content }) => content)).toEqual(messages.map(({ content }) => content));
    expect((read[1] as AIMessage).tool_calls).toEqual((messages[1] as AIMessage).tool_calls);
  });

  test('imports the output of messages_to_dict from Python', async () => {
    const document = [
      python('human', { content: 'Hello' }),
      python('AIMessageChunk', { content: 'Hi', tool_calls: [], usage_metadata: null, tool_call_chunks: [] }),
      python('chat', { content: 'Yes?', role: 'clerk' }),
    ];
    expect((await imported({ messages: document }, '--from=langchain', '--session=s')).total).toMatchObject({
      stored: 3,
    });
    const read = await (await history('s')).getMessages();
    expect(read.map(({ content }) => content)).toEqual(['Hello', 'Hi', 'Yes?']);
  });

  test('reports messages that cannot be restored and messages without a session', async () => {
    const bad = [
      python('tool', { content: 'x' }),
      python('remove', { content: 'x' }),
      python('human', { content: 7 }),
      'x',
    ];
    const { total, errors } = await imported(bad, '--from=langchain', '--session=s');
    expect(total).toEqual({ ...totals, failed: 4 });
    expect(errors[0]).toBe('line 1: a message of type tool requires "tool_call_id".');
    const { errors: withoutSession } = await imported([python('human', { content: 'Hello' })], '--from=langchain');
    expect(withoutSession).toEqual(['line 1: the message has no session. Set one with --session=ID.']);
  });
});

describe('json', () => {
  test.each([
    ['a field', { text: 'x', n: 1 }, 'text', { n: 1 }],
    ['a path', { m: { text: 'x', by: 'Mori' }, n: 1 }, 'm.text', { m: { by: 'Mori' }, n: 1 }],
    ['a path to the only value of its objects', { a: { b: { text: 'x' } }, n: 1 }, 'a.b.text', { n: 1 }],
    ['a field whose name has a dot', { 'm.text': 'x', m: { text: 'y' } }, 'm.text', { m: { text: 'y' } }],
  ])('keeps the text at %s out of the metadata', async (_, document, field, metadata) => {
    expect((await imported([document], '--from=json', `--text-field=${field}`)).total).toEqual({
      ...totals,
      stored: 1,
    });
    expect(values(await shell(['list', folder]))[0]).toMatchObject({ text: 'x', metadata });
    expect(values<{ metadata: object }>(await shell(['list', folder]))[0]?.metadata).toEqual(metadata);
  });

  test('imports a text at a path that is too long for metadata', async () => {
    const document = [{ message: { text: 'word '.repeat(14_400) } }];
    const { total, errors } = await imported(document, '--from=json', '--text-field=message.text');
    expect([total, errors]).toEqual([{ ...totals, stored: 1 }, []]);
  });
});

describe('an odd value does not stop the import of the others', () => {
  // A JSON object with these fields cannot be converted to a text.
  const unprintable = { toString: 1, valueOf: 1 };

  test('a time that no date can have is left out', async () => {
    const lines = [1e300, -1e300, 8.64e15 + 2, 1708531800123].map((date, i) => ({ mes: `m${i}`, send_date: date }));
    const { total, code } = await imported(lines, '--from=sillytavern', '--session=s');
    expect([code, total]).toEqual([0, { ...totals, stored: 4 }]);
    const memories = values<{ text: string; validFrom: string }>(await shell(['list', folder]));
    expect(memories.find(({ text }) => text === 'm3')?.validFrom).toBe('2024-02-21T16:10:00.123Z');
  });

  test.each([
    [
      'a message of a conversation',
      '--from=claude',
      [
        {
          uuid: 'c-1',
          chat_messages: [
            { sender: 'human', text: 'first', uuid: '1', created_at: unprintable },
            { sender: 'human', text: 'second', uuid: '2' },
          ],
        },
      ],
      'second',
    ],
    [
      'a conversation',
      '--from=claude',
      [
        { uuid: 'c-1', chat_messages: [{ sender: unprintable, text: 'first', uuid: '1' }] },
        { uuid: 'c-2', chat_messages: [{ sender: 'human', text: 'second', uuid: '2' }] },
      ],
      'second',
    ],
    ['a memory', '--from=mem0', [{ memory: 'first', created_at: unprintable }, { memory: 'second' }], 'second'],
    [
      'a line',
      '--from=export',
      `${JSON.stringify({ text: 'first', state: unprintable })}\n{"text":"second","namespace":["n"]}\n`,
      'second',
    ],
  ])('%s', async (_, from, document, stored) => {
    const { total, code, errors } = await imported(document, from);
    expect([code, total]).toEqual([1, { ...totals, stored: 1, failed: 1 }]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^line 1: /);
    expect(values(await shell(['list', folder]))).toMatchObject([{ text: stored }]);
  });
});
