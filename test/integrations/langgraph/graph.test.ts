import { AIMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { Annotation, entrypoint, getStore, type LangGraphRunnableConfig, StateGraph } from '@langchain/langgraph';
import { createAgent, tool } from 'langchain';
import { allow } from 'multi-agent-memory';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { openInMemory } from '../../store/stores';

const State = Annotation.Root({
  customer: Annotation<string>,
  results: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

test('nodes of a compiled graph share the items that they store', async () => {
  const memory = await openInMemory();
  const store = new MemoryHandleStore(memory.as({ agentId: 'graph' }, { namespace: ['support'] }));
  const graph = new StateGraph(State)
    .addNode('learn', async ({ customer }, config: LangGraphRunnableConfig) => {
      await config.store?.put(['users', customer], 'contact', { by: 'e-mail' });
      return {};
    })
    .addNode('find', async ({ customer }) => {
      const found = await getStore()?.search(['users', customer], { query: 'contact' });
      return { results: found?.map(({ value }) => value.by) ?? [] };
    })
    .addEdge('__start__', 'learn')
    .addEdge('learn', 'find')
    .compile({ store });
  expect((await graph.invoke({ customer: '4417' })).results).toEqual(['e-mail']);
  expect((await memory.admin.list({ namespace: ['support', 'users'] })).items).toMatchObject([
    { namespace: ['support', 'users', '4417'], agentId: 'graph', metadata: { by: 'e-mail' } },
  ]);
});

test.each(['createAgent({ store })', 'agent.invoke(input, { store })'])(
  'tools of an agent get the store from %s',
  async (way) => {
    const memory = await openInMemory();
    const store = new MemoryHandleStore(memory.as({ agentId: 'graph' }, { namespace: ['support'] }));
    const note = tool(
      async ({ fact }, config: LangGraphRunnableConfig) => {
        await config.store?.put(['facts'], 'one', { fact });
        const [found] = (await getStore()?.search(['facts'], { query: fact })) ?? [];
        return `noted: ${found?.value.fact}`;
      },
      { name: 'note', description: 'Notes.', schema: z.object({ fact: z.string() }) },
    );
    const model = fakeModel()
      .respondWithTools([{ name: 'note', args: { fact: 'Dana prefers e-mail.' }, id: '1' }])
      .respond(new AIMessage('Done.'));
    const given = { store };
    const isMade = way.startsWith('createAgent');
    const agent = createAgent({ model, tools: [note], ...(isMade ? given : {}) });
    const { messages } = await agent.invoke({ messages: 'Note it.' }, isMade ? {} : given);
    expect(messages.map(({ text }) => text)).toContain('noted: Dana prefers e-mail.');
    expect(await store.get(['facts'], 'one')).toMatchObject({ value: { fact: 'Dana prefers e-mail.' } });
  },
);

test('a failed operation of one node does not affect a concurrent node', async () => {
  const memory = await openInMemory({ access: [allow('everyone', 'writer', ['mine'])] });
  await memory.admin.remember('there', { namespace: ['mine'], key: 'langgraph:k', metadata: { x: 1 } });
  const store = new MemoryHandleStore(memory.as({ agentId: 'graph' }));
  const codeOf = async (call: () => Promise<unknown> | undefined) => {
    try {
      await call();
      return 'done';
    } catch (error) {
      return (error as { code?: string }).code ?? (error as Error).name;
    }
  };
  const graph = new StateGraph(State)
    .addNode('forbidden', async (_, { store: kept }: LangGraphRunnableConfig) => ({
      results: [await codeOf(() => kept?.put(['theirs'], 'k', {}))],
    }))
    .addNode('invalid', async (_, { store: kept }: LangGraphRunnableConfig) => ({
      results: [await codeOf(() => kept?.search(['mine'], { filter: { x: { $near: 1 } } }))],
    }))
    .addNode('allowed', async (_, { store: kept }: LangGraphRunnableConfig) => ({
      results: [await codeOf(() => kept?.get(['mine'], 'k')), String((await kept?.get(['mine'], 'k'))?.value.x)],
    }))
    .addEdge('__start__', 'forbidden')
    .addEdge('__start__', 'invalid')
    .addEdge('__start__', 'allowed')
    .compile({ store });
  expect((await graph.invoke({ customer: 'x' })).results.sort()).toEqual(['1', 'FORBIDDEN', 'INVALID_INPUT', 'done']);
});

test('an uncaught failure of a node ends the run with the MemoryError', async () => {
  const memory = await openInMemory({ access: [] });
  const store = new MemoryHandleStore(memory.as({ agentId: 'graph' }));
  const graph = entrypoint({ name: 'g', store }, async (x: string) => getStore()?.put(['a'], x, {}));
  await expect(graph.invoke('k')).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

test('stores for two principals show each principal only the items that its rules allow', async () => {
  const memory = await openInMemory({
    access: [allow({ agentId: 'a' }, 'writer', ['a']), allow('everyone', 'writer', ['both'])],
  });
  const [one, other] = ['a', 'b'].map((agentId) => new MemoryHandleStore(memory.as({ agentId })));
  await one?.put(['a'], 'k', {});
  await one?.put(['both'], 'k', { from: 'a' });
  expect(await other?.get(['a'], 'k')).toBeNull();
  expect(await other?.search([])).toMatchObject([{ namespace: ['both'], value: { from: 'a' } }]);
  expect(await other?.listNamespaces()).toEqual([['both']]);
});
