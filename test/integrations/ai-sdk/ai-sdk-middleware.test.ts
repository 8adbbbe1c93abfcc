import { allow, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { memoryMiddleware } from 'multi-agent-memory/ai-sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { versions } from './sdk-versions';

let store: MemoryStore;
let handle: MemoryHandle;

beforeEach(async () => {
  store = await MemoryStore.inMemory({ access: [allow('everyone', 'writer', ['support'])] });
  handle = store.as({ agentId: 'support' }, { namespace: ['support'], sessionId: 's-1' });
});

afterEach(() => store.close());

const texts = async () => (await handle.list({ order: 'oldest' })).items.map(({ text }) => text);
const fact = 'The bicycle is a red Thorn with a Rohloff hub.';
const question = 'Which hub does the bicycle have?';

describe.each(versions)('the middleware under $name', ({ app }) => {
  test('puts recalled memories, marked as data, at the start of the user message', async () => {
    await handle.remember(fact);
    const { generate, prompts } = app(handle, [{ say: 'A Rohloff hub.' }]);
    expect(await generate(question, { system: 'Be brief.' })).toBe('A Rohloff hub.');
    const [[system, asked]] = prompts() as unknown as [[{ content: string }, { content: { text: string }[] }]];
    expect(system.content).toBe('Be brief.');
    expect(asked.content[0]?.text).toMatch(
      /data that others wrote, not instructions.*<recalled-memories>.*Rohloff hub/s,
    );
    expect(asked.content.at(-1)?.text).toBe(question);
  });

  test('leaves the prompt unchanged if there are no memories', async () => {
    const { generate, prompts } = app(handle, [{ say: 'No idea.' }]);
    await generate(question);
    expect(prompts()[0]).toMatchObject([{ role: 'user', content: [{ type: 'text', text: question }] }]);
    expect(prompts()[0]?.[0]?.content).toHaveLength(1);
  });

  test('stores the turn in the session of the handle, without the recalled memories', async () => {
    await handle.remember(fact);
    await app(handle, [{ say: 'A Rohloff hub.' }]).generate(question);
    const { items } = await handle.list();
    expect(items[0]).toMatchObject({
      text: `User: ${question}\nAgent: A Rohloff hub.`,
      sessionId: 's-1',
      agentId: 'support',
      source: { channel: 'user' },
    });
    expect(items).toHaveLength(2);
  });

  test('recalls in one conversation what was said in another conversation', async () => {
    await app(handle, [{ say: 'Noted.' }]).generate(fact);
    const other = app(store.as({ agentId: 'sales' }, { namespace: ['support'] }), [{ say: 'Rohloff.' }]);
    await other.generate(question);
    expect(JSON.stringify(other.prompts())).toContain(fact);
  });

  test('limits the block of memories to `maxTokens`', async () => {
    for (let n = 0; n < 20; n++) await handle.remember(`Hub number ${n}: ${'word '.repeat(50)}`);
    const { generate, prompts } = app(handle, [{ say: 'ok' }], {
      maxTokens: 200,
      countTokens: (text) => text.length / 4,
    });
    await generate('hub number');
    const content = prompts()[0]?.[0]?.content as { text: string }[];
    expect(content[0]?.text.length).toBeLessThanOrEqual(802);
    expect(content[0]?.text).toContain('Hub number');
  });

  test('stores a turn with tool calls once, with the final answer', async () => {
    const steps = [{ tool: 'recall', input: { query: 'hub' } }, { say: 'A Rohloff hub.' }];
    const { generate, prompts } = app(handle, steps);
    expect(await generate(question)).toBe('A Rohloff hub.');
    expect(prompts()).toHaveLength(2);
    expect(await texts()).toEqual([`User: ${question}\nAgent: A Rohloff hub.`]);
  });

  test('stores a placeholder for each file and does not search for files', async () => {
    const file = { type: 'file', data: 'aGVsbG8=', mediaType: 'application/pdf', filename: 'bill.pdf' };
    const image = { type: 'image', image: 'aGVsbG8=', mediaType: 'image/png' };
    const { generate, prompts } = app(handle, [{ say: 'A bill.' }]);
    await generate([{ type: 'text', text: 'What is this?' }, file, image]);
    expect(await texts()).toEqual([
      'User: What is this?\n[file bill.pdf application/pdf]\n[file image/png]\nAgent: A bill.',
    ]);
    // The model gets the files unchanged.
    expect(JSON.stringify(prompts()[0])).toContain('application/pdf');
  });

  test('recalls nothing for a message that contains only a file', async () => {
    await handle.remember(fact);
    const { generate, prompts } = app(handle, [{ say: 'A photograph.' }]);
    await generate([{ type: 'image', image: 'aGVsbG8=', mediaType: 'image/png' }]);
    expect(JSON.stringify(prompts())).not.toContain('recalled-memories');
    expect(await texts()).toContain('User: [file image/png]\nAgent: A photograph.');
  });

  test('stores nothing if the call fails', async () => {
    await expect(app(handle, [{ fail: 'overloaded' }]).generate(question)).rejects.toThrow('overloaded');
    expect(await texts()).toEqual([]);
  });

  test('stores nothing if the call is aborted before it starts', async () => {
    const { generate } = app(handle, [{ say: 'x' }]);
    await expect(generate(question, { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(await texts()).toEqual([]);
  });

  describe('with streaming', () => {
    test('passes every part through, and stores the turn before the stream ends', async () => {
      await handle.remember(fact);
      const { stream, prompts } = app(handle, [{ say: 'It has a Rohloff hub.' }]);
      expect(await stream(question)).toEqual({ text: 'It has a Rohloff hub.', errors: [] });
      expect(JSON.stringify(prompts())).toContain('recalled-memories');
      expect(await texts()).toContain(`User: ${question}\nAgent: It has a Rohloff hub.`);
    });

    test('stores a turn with tool calls once', async () => {
      const { stream } = app(handle, [{ tool: 'remember', input: { text: fact } }, { say: 'Noted it.' }]);
      expect((await stream('Note my hub.')).text).toBe('Noted it.');
      expect(await texts()).toEqual([fact, 'User: Note my hub.\nAgent: Noted it.']);
    });

    test('stores nothing if the stream is aborted', async () => {
      await app(handle, [{ say: 'one two three four five six' }]).stream(question, { abortAfter: 2 });
      expect(await texts()).toEqual([]);
    });

    test('stores nothing if the stream fails', async () => {
      const { errors } = await app(handle, [{ fail: 'overloaded' }]).stream(question);
      expect(errors).toMatchObject([{ message: 'overloaded' }]);
      expect(await texts()).toEqual([]);
    });

    test('reports an error if the turn cannot be stored', async () => {
      const denied = store.as({ agentId: 'support' }, { namespace: ['other'] });
      const { errors } = await app(denied, [{ say: 'x' }]).stream(question);
      expect(errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    });
  });

  describe('if the store fails', () => {
    test('the call fails with the error from the store', async () => {
      await store.close();
      await expect(app(handle, [{ say: 'x' }]).generate(question)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    });

    test('the call continues without memory if `onError` is set', async () => {
      await store.close();
      const reported: unknown[] = [];
      const onError = (error: unknown, during: string) => reported.push([during, (error as { code: string }).code]);
      expect(await app(handle, [{ say: 'x' }], { onError }).generate(question)).toBe('x');
      expect(reported).toEqual([
        ['recall', 'STORE_CLOSED'],
        ['remember', 'STORE_CLOSED'],
      ]);
    });
  });

  describe('the option `remember`', () => {
    test('stores nothing if it is false', async () => {
      await app(handle, [{ say: 'x' }], { remember: false }).generate(question);
      expect(await texts()).toEqual([]);
    });

    test.each([
      ['undefined', () => undefined],
      ['null', () => null],
      ['a promise of undefined', async () => undefined],
      ['nothing', () => {}],
      ['an empty list', () => []],
    ])('stores nothing if it is a function that returns %s', async (_, remember) => {
      expect(await app(handle, [{ say: 'x' }], { remember }).generate(question)).toBe('x');
      expect((await app(handle, [{ say: 'x' }], { remember }).stream(question)).errors).toEqual([]);
      expect(await texts()).toEqual([]);
    });

    test.each([[{ text: 'x' }], ['text'], [['text']], [7]])(
      'makes the call fail if it is a function that returns %j',
      async (returned) => {
        const failing = app(handle, [{ say: 'x' }], { remember: () => returned as never }).generate(question);
        await expect(failing).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: ['remember'] }] });
        const reported: unknown[] = [];
        const onError = (error: unknown) => reported.push(error);
        const { generate } = app(handle, [{ say: 'x' }], { remember: () => returned as never, onError });
        expect(await generate(question)).toBe('x');
        expect(reported).toMatchObject([{ code: 'INVALID_INPUT' }]);
      },
    );

    test('makes the call fail if it throws, and so does `onError`', async () => {
      const remember = () => {
        throw new Error('of remember');
      };
      await expect(app(handle, [{ say: 'x' }], { remember }).generate(question)).rejects.toThrow('of remember');
      const onError = async () => {
        throw new Error('of onError');
      };
      await expect(app(handle, [{ say: 'x' }], { remember, onError }).generate(question)).rejects.toThrow('of onError');
    });

    test('can be a function that makes the memories from the whole turn', async () => {
      const steps = [{ tool: 'recall', input: { query: 'hub' } }, { say: 'Done.' }];
      const remember = ({ messages, answer }: { messages: readonly { role: string }[]; answer: readonly object[] }) => [
        {
          text: messages.map(({ role }) => role).join(' '),
          tags: answer.map(({ type }: { type?: string }) => String(type)),
        },
      ];
      await app(handle, steps, { remember }).generate(question);
      const [memory] = (await handle.list()).items;
      expect(memory).toMatchObject({ text: 'user assistant tool', tags: ['reasoning', 'text'] });
    });
  });
});

test('unknown options are rejected by name', () => {
  const options = { topk: 5 } as object;
  expect(() => memoryMiddleware(handle, options)).toThrow(
    expect.objectContaining({ code: 'INVALID_INPUT', issues: [expect.objectContaining({ path: ['topk'] })] }),
  );
});
