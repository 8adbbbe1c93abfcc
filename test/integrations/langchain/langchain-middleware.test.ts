import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { Command, MemorySaver } from '@langchain/langgraph';
import { type AgentMiddleware, createAgent, humanInTheLoopMiddleware, tool } from 'langchain';
import { allow, MemoryError } from 'multi-agent-memory';
import { memoryMiddleware } from 'multi-agent-memory/langchain';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { issuePaths, openInMemory } from '../../store/stores';

async function opened() {
  const store = await openInMemory();
  const handle = store.as({ agentId: 'support' }, { namespace: ['support'], userId: 'dana' });
  return { store, handle };
}
const textsOf = (call: { messages: { text: string }[] } | undefined) => call?.messages.map(({ text }) => text) ?? [];

describe('before a model call', () => {
  test('memories are put at the start of the user message, marked as data, but not into the state', async () => {
    const { handle } = await opened();
    await handle.remember('Dana prefers e-mail to phone calls.');
    const model = fakeModel().respond(new AIMessage('By e-mail.'));
    const agent = createAgent({ model, systemPrompt: 'Be brief.', middleware: [memoryMiddleware(handle)] });
    const { messages } = await agent.invoke({ messages: 'How do we reach Dana?' });
    const [system, asked] = textsOf(model.calls[0]);
    expect(system).toBe('Be brief.');
    expect(asked).toMatch(/<recalled-memories>\n[\s\S]*> Dana prefers e-mail to phone calls\.\n<\/recalled-memories>/);
    expect(asked?.endsWith('How do we reach Dana?')).toBe(true);
    expect(textsOf({ messages })).toEqual(['How do we reach Dana?', 'By e-mail.']);
  });

  test('the prompt stays unchanged if there are no memories', async () => {
    const { handle } = await opened();
    const model = fakeModel().respond(new AIMessage('Hello.'));
    await createAgent({ model, middleware: [memoryMiddleware(handle)] }).invoke({ messages: 'Hello?' });
    expect(textsOf(model.calls[0])).toEqual(['Hello?']);
  });

  test('the options `recall`, `maxTokens` and `countTokens` apply', async () => {
    const { handle } = await opened();
    await handle.remember('Dana prefers e-mail.', { tags: ['contact'] });
    await handle.remember('Dana likes long walks.', { tags: ['other'] });
    const counted: string[] = [];
    const countTokens = (text: string) => counted.push(text) && text.length;
    const options = { recall: { tags: ['contact'], topK: 3 }, maxTokens: 600, countTokens };
    const model = fakeModel().respond(new AIMessage('x')).respond(new AIMessage('x'));
    await createAgent({ model, middleware: [memoryMiddleware(handle, options)] }).invoke({ messages: 'Dana?' });
    expect(textsOf(model.calls[0])[0]).toContain('e-mail');
    expect(textsOf(model.calls[0])[0]).not.toContain('walks');
    expect(counted.length).toBeGreaterThan(0);
    const small = memoryMiddleware(handle, { ...options, maxTokens: 5 });
    await createAgent({ model, middleware: [small] }).invoke({ messages: 'Dana?' });
    expect(textsOf(model.calls[1])).toEqual(['Dana?']);
  });

  test('memories are recalled once per turn, and every model call in the turn gets the same block', async () => {
    const { handle, store } = await opened();
    await handle.remember('The order A-1 is late.');
    let recalls = 0;
    store.on('recalled', () => recalls++);
    const look = tool(async () => 'nothing new', { name: 'look', description: 'Looks.', schema: z.object({}) });
    const model = fakeModel()
      .respondWithTools([{ name: 'look', args: {}, id: '1' }])
      .respondWithTools([{ name: 'look', args: {}, id: '2' }])
      .respond(new AIMessage('It is late.'))
      .respond(new AIMessage('It arrived.'));
    const agent = createAgent({
      model,
      tools: [look],
      middleware: [memoryMiddleware(handle)],
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: 't-1' } };
    const asked = new HumanMessage('Where is the order A-1?');
    await agent.invoke({ messages: [asked] }, config);
    expect(recalls).toBe(1);
    for (const call of model.calls) expect(textsOf(call)[0]).toContain('> The order A-1 is late.');
    await handle.remember('The order A-1 arrived.');
    await agent.invoke({ messages: [new HumanMessage('And now, the order A-1?')] }, config);
    expect(recalls).toBe(2);
    const last = textsOf(model.calls[3]);
    expect(last[0]).toBe('Where is the order A-1?');
    expect(last.at(-1)).toContain('> The order A-1 arrived.');
  });

  test('images are kept, and nothing is recalled for a message that contains only images', async () => {
    const { handle } = await opened();
    await handle.remember('Dana owns a red bicycle.');
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
    const model = fakeModel().respond(new AIMessage('A bicycle.')).respond(new AIMessage('A bicycle.'));
    const agent = createAgent({ model, middleware: [memoryMiddleware(handle)] });
    await agent.invoke({
      messages: [
        new HumanMessage({ content: [{ type: 'text', text: 'Whose bicycle?' }, image], id: 'h-1', name: 'Mori' }),
      ],
    });
    const [asked] = model.calls[0]?.messages ?? [];
    expect(asked).toMatchObject({ id: 'h-1', name: 'Mori' });
    expect(asked?.content).toMatchObject([
      { type: 'text', text: expect.stringContaining('red bicycle') },
      { text: 'Whose bicycle?' },
      image,
    ]);
    await agent.invoke({ messages: [new HumanMessage({ content: [image] })] });
    expect(model.calls[1]?.messages[0]?.content).toEqual([image]);
    expect((await handle.list({ order: 'oldest' })).items.map(({ text }) => text)).toEqual([
      'Dana owns a red bicycle.',
      'User: Whose bicycle? [image_url]\nAgent: A bicycle.',
      'User: [image_url]\nAgent: A bicycle.',
    ]);
  });
});

describe('at the end of a turn', () => {
  test("the turn is stored as the handle's principal, in the session of the thread", async () => {
    const { handle } = await opened();
    const look = tool(async () => 'found it', { name: 'look', description: 'Looks.', schema: z.object({}) });
    const model = fakeModel()
      .respondWithTools([{ name: 'look', args: {}, id: '1' }])
      .respond(new AIMessage('It is in the shed.'));
    const agent = createAgent({ model, tools: [look], middleware: [memoryMiddleware(handle)] });
    await agent.invoke(
      { messages: [new HumanMessage('Where is my bicycle?')] },
      { configurable: { thread_id: 't-1' } },
    );
    expect((await handle.list()).items).toMatchObject([
      {
        text: 'User: Where is my bicycle?\nAgent: It is in the shed.',
        source: { channel: 'user' },
        agentId: 'support',
        userId: 'dana',
        sessionId: 't-1',
      },
    ]);
  });

  test('memories are recalled again if the turn was interrupted for a person, and the turn is stored once', async () => {
    const { handle } = await opened();
    await handle.remember('Dana’s order is A-1.');
    const cancel = tool(async () => 'cancelled', { name: 'cancel', description: 'Cancels.', schema: z.object({}) });
    const model = fakeModel()
      .respondWithTools([{ name: 'cancel', args: {}, id: '1' }])
      .respond(new AIMessage('It is cancelled.'));
    // LangChain's types do not hold under exactOptionalPropertyTypes.
    const approval = humanInTheLoopMiddleware({ interruptOn: { cancel: true } } as never) as AgentMiddleware;
    const agent = createAgent({
      model,
      tools: [cancel],
      middleware: [memoryMiddleware(handle), approval],
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: 't-1' } };
    await agent.invoke({ messages: 'Cancel Dana’s order.' }, config);
    expect(await handle.count()).toBe(1);
    await agent.invoke(new Command({ resume: { decisions: [{ type: 'approve' }] } }), config);
    for (const call of model.calls) expect(textsOf(call)[0]).toContain('> Dana’s order is A-1.');
    expect((await handle.list()).items[0]?.text).toBe('User: Cancel Dana’s order.\nAgent: It is cancelled.');
    expect(await handle.count()).toBe(2);
  });

  test('the session of the handle takes precedence over the session of the thread', async () => {
    const { handle } = await opened();
    const model = fakeModel().respond(new AIMessage('Hello.'));
    const agent = createAgent({ model, middleware: [memoryMiddleware(handle.within({ sessionId: 's-1' }))] });
    await agent.invoke({ messages: 'Hi.' }, { configurable: { thread_id: 't-1' } });
    expect(await handle.count({ sessionId: 's-1' })).toBe(1);
  });

  test('a turn that runs twice is stored once', async () => {
    const { handle } = await opened();
    const model = fakeModel()
      .respond(new AIMessage({ content: 'Hello.', id: 'a-1' }))
      .respond(new AIMessage({ content: 'Hello.', id: 'a-1' }));
    const agent = createAgent({ model, middleware: [memoryMiddleware(handle)] });
    for (let i = 0; i < 2; i++) {
      await agent.invoke(
        { messages: [new HumanMessage({ content: 'Hi.', id: 'h-1' })] },
        { configurable: { thread_id: 't' } },
      );
    }
    expect(await handle.count()).toBe(1);
  });

  test('the option `remember` determines what is stored, if anything', async () => {
    const { handle } = await opened();
    const model = fakeModel().respond(new AIMessage('Noted.')).respond(new AIMessage('Noted.'));
    const remember = ({ messages }: { messages: readonly { text: string }[] }) => [
      { text: messages.map(({ text }) => text).join(' -> '), tags: ['turn'] },
    ];
    await createAgent({ model, middleware: [memoryMiddleware(handle, { remember })] }).invoke({ messages: 'I moved.' });
    await createAgent({ model, middleware: [memoryMiddleware(handle, { remember: false })] }).invoke({
      messages: 'Again.',
    });
    expect((await handle.list()).items).toMatchObject([{ text: 'I moved. -> Noted.', tags: ['turn'] }]);
  });
});

test('the middleware streams the tokens of the model and stores the turn at the end', async () => {
  const { handle } = await opened();
  await handle.remember('Dana prefers e-mail.');
  const agent = createAgent({
    model: new FakeListChatModel({ responses: ['By e-mail.'] }),
    middleware: [memoryMiddleware(handle)],
  });
  const tokens: string[] = [];
  for await (const [message] of await agent.stream({ messages: 'How do we reach Dana?' }, { streamMode: 'messages' })) {
    if (AIMessage.isInstance(message)) tokens.push(message.text);
  }
  expect(tokens.length).toBeGreaterThan(3);
  expect(tokens.join('')).toContain('By e-mail.');
  expect(await handle.count()).toBe(2);
});

describe('if the store fails', () => {
  const failing = async () => {
    const store = await openInMemory({ access: [allow('everyone', 'reader', [])] });
    return store.as({ agentId: 'support' }, { namespace: ['support'] });
  };

  test('the run fails, with the MemoryError as its cause', async () => {
    const model = fakeModel().respond(new AIMessage('Hello.'));
    const agent = createAgent({ model, middleware: [memoryMiddleware(await failing())] });
    const error = await agent.invoke({ messages: 'Hi.' }).catch((each) => each);
    expect(codesOf(error)).toContain('FORBIDDEN');
    const { store, handle } = await opened();
    await store.close();
    const closed = createAgent({
      model: fakeModel().respond(new AIMessage('Hello.')),
      middleware: [memoryMiddleware(handle)],
    });
    expect(codesOf(await closed.invoke({ messages: 'Hi.' }).catch((each) => each))).toContain('STORE_CLOSED');
  });

  test('the run continues without memory if `onError` is set', async () => {
    const { store, handle } = await opened();
    await store.close();
    const reported: unknown[] = [];
    const onError = (error: unknown, during: string) => reported.push([during, MemoryError.is(error) && error.code]);
    const model = fakeModel().respond(new AIMessage('Hello.'));
    const agent = createAgent({ model, middleware: [memoryMiddleware(handle, { onError })] });
    expect((await agent.invoke({ messages: 'Hi.' })).messages.at(-1)?.text).toBe('Hello.');
    expect(reported).toEqual([
      ['recall', 'STORE_CLOSED'],
      ['remember', 'STORE_CLOSED'],
    ]);
  });

  test('unknown options are rejected', async () => {
    const { handle } = await opened();
    expect(await issuePaths(() => memoryMiddleware(handle, { topK: 1 } as never))).toEqual(['topK']);
  });
});

function codesOf(error: unknown): unknown[] {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return [code, ...(cause === undefined ? [] : codesOf(cause))];
}
