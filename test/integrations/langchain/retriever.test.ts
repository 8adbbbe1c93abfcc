import { Document } from '@langchain/core/documents';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { RunnableLambda } from '@langchain/core/runnables';
import { MemoryHandleRetriever } from 'multi-agent-memory/langchain';
import { expect, test } from 'vitest';
import { openInMemory, refusal } from '../../store/stores';

async function opened() {
  const store = await openInMemory();
  const handle = store.as({ agentId: 'a' }, { namespace: ['docs'] });
  await handle.remember('Refunds take three days.', { key: 'refunds', metadata: { page: 4 } });
  await handle.remember('The office is closed in August.', { metadata: { page: 9 } });
  return { handle, store };
}

test('the retriever returns hits as documents, best first', async () => {
  const { handle } = await opened();
  const retriever = new MemoryHandleRetriever({ handle });
  const documents = await retriever.invoke('how long do refunds take?');
  expect(documents[0]).toEqual(
    new Document({ pageContent: 'Refunds take three days.', metadata: { page: 4 }, id: 'refunds' }),
  );
  expect(documents).toHaveLength(2);
});

test('the retriever applies the options of `recall` and `toDocument`', async () => {
  const { handle } = await opened();
  const retriever = new MemoryHandleRetriever({
    handle,
    recall: { topK: 1, filter: { metadata: { page: { gt: 5 } } } },
    toDocument: ({ text, score, agentId = '' }) =>
      new Document({ pageContent: text, metadata: { score, by: agentId } }),
  });
  expect(await retriever.invoke('refunds')).toEqual([
    { pageContent: 'The office is closed in August.', metadata: { score: expect.any(Number), by: 'a' }, id: undefined },
  ]);
});

test('the retriever awaits `toDocument`, and leaves out hits for which it returns nothing', async () => {
  const { handle } = await opened();
  const toDocument = async ({ text }: { text: string }) =>
    text.startsWith('Refunds') ? null : new Document({ pageContent: text, metadata: {} });
  const documents = await new MemoryHandleRetriever({ handle, toDocument }).invoke('refunds');
  expect(documents.map(({ pageContent }) => pageContent)).toEqual(['The office is closed in August.']);
});

test('the retriever is a runnable with `pipe`, `batch` and callbacks', async () => {
  const { handle } = await opened();
  const found: string[] = [];
  const retriever = new MemoryHandleRetriever({
    handle,
    recall: { topK: 1 },
    callbacks: [{ handleRetrieverEnd: (documents) => void found.push(documents[0]?.pageContent ?? '') }],
  });
  const chain = retriever
    .pipe(RunnableLambda.from((documents: Document[]) => documents[0]?.pageContent ?? ''))
    .pipe(new StringOutputParser());
  expect(await chain.invoke('refunds')).toBe('Refunds take three days.');
  expect(await chain.batch(['refunds', 'office'])).toEqual([
    'Refunds take three days.',
    'The office is closed in August.',
  ]);
  expect(found).toHaveLength(3);
});

test('the retriever throws for invalid input and for errors of the store', async () => {
  const { handle, store } = await opened();
  expect((await refusal(() => new MemoryHandleRetriever({ handle, k: 4 } as never))).issues[0]?.path).toEqual(['k']);
  expect((await refusal(() => new MemoryHandleRetriever({ handle }).invoke(' '))).code).toBe('INVALID_INPUT');
  const wrong = new MemoryHandleRetriever({ handle, recall: { topk: 1 } as never });
  expect((await refusal(() => wrong.invoke('x'))).issues[0]?.path).toEqual(['topk']);
  await store.close();
  expect((await refusal(() => new MemoryHandleRetriever({ handle }).invoke('x'))).code).toBe('STORE_CLOSED');
});
