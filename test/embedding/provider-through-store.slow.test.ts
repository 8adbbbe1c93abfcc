import type { Embedder, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openAICompatibleIn } from '../../src/embedding/providers/openai-compatible';
import { fakeTiming } from '../providers/fake-timing';
import { codeOf, ended, openFolder, openInMemory, refusal, temporaryFolder } from '../store/stores';
import {
  altered,
  closedPort,
  dimensions,
  healthy,
  itemsFor,
  providerServer,
  type Reply,
  refusing,
  vectorOf,
} from './provider-server';

const namespace = ['support'];
const model = 'test-embedding-1';

function embedderAt(baseURL: string, options = {}): Embedder {
  return openAICompatibleIn(fakeTiming(), { baseURL, model, dimensions, maxRetries: 1, ...options });
}

/** A store with one memory, with the key `known`. The test then controls the responses of its provider. */
async function storeWith(open: (embedder: Embedder) => Promise<MemoryStore>, options = {}) {
  const server = await providerServer();
  const store = await open(embedderAt(server.baseURL, options));
  const { id } = await store.admin.remember('The known refund goes to the card.', { namespace, key: 'known' });
  return { ...server, store, id };
}

/** Asserts that calls which need no embedder work, and that `id` is the only memory. */
async function expectReadable({ admin }: MemoryStore, id: string): Promise<void> {
  expect((await admin.get(id))?.text).toBe('The known refund goes to the card.');
  expect((await admin.get({ namespace, key: 'known' }))?.id).toBe(id);
  expect((await admin.recall('refund', { mode: 'keyword' })).map((hit) => hit.id)).toEqual([id]);
  expect((await admin.list()).items.map((item) => item.id)).toEqual([id]);
  expect(await admin.count()).toBe(1);
}

const hanging: Reply = () => undefined;
const closed = refusing(429, {}, { 'retry-after': '3600' });

const faults: [string, Reply, string, boolean][] = [
  ['responds 401', refusing(401), 'EMBEDDING_FAILED', false],
  ['responds 404', refusing(404), 'EMBEDDER_MISSING', false],
  ['responds 429', refusing(429), 'EMBEDDING_FAILED', true],
  ['responds 429 with a long wait', closed, 'EMBEDDING_FAILED', true],
  ['responds 500', refusing(500), 'EMBEDDING_FAILED', true],
  ['does not respond', hanging, 'EMBEDDING_FAILED', true],
  ['resets the connection', ({ socket }) => socket.resetAndDestroy(), 'EMBEDDING_FAILED', true],
  ['cuts its response off', (_, response) => void response.end('{"data":[{"index":0,"emb'), 'EMBEDDING_FAILED', true],
  ['returns too few vectors', altered((items) => items.slice(1)), 'EMBEDDING_FAILED', true],
  [
    'changes its dimensions',
    ({ body }, response) => void response.end(JSON.stringify({ data: itemsFor(body.input, 32) })),
    'EMBEDDER_MISMATCH',
    false,
  ],
  [
    'returns null in a vector',
    altered((items) => items.map((item) => ({ ...item, embedding: vectorOf('x').with(0, null as never) }))),
    'EMBEDDING_FAILED',
    false,
  ],
  [
    'returns a vector of zeros',
    altered((items) => items.map((item) => ({ ...item, embedding: vectorOf('x').fill(0) }))),
    'EMBEDDING_FAILED',
    false,
  ],
  ['responds with a web page', (_, response) => void response.end('<html></html>'), 'EMBEDDING_FAILED', false],
];

describe.each([
  ['in memory', () => (embedder: Embedder) => openInMemory({ embedder })],
  ['in a folder', () => async (embedder: Embedder) => openFolder(await temporaryFolder(), { embedder })],
])('a store %s whose provider', (_, opener) => {
  test.each(faults)(
    '%s rejects calls that need a vector, writes nothing, stays readable, and works again when the provider does',
    async (__, reply, code, retryable) => {
      // A short time-out for the only slow case.
      const isSlow = reply === hanging;
      const options = isSlow ? { requestTimeoutMs: 1_000, maxRetries: 0 } : {};
      const { store, id, control } = await storeWith(opener(), options);
      control.always = reply;
      const { admin } = store;
      expect(await refusal(() => admin.remember('A new parcel.', { namespace }))).toMatchObject({ code, retryable });
      expect(await refusal(() => admin.update(id, { text: 'A new text.' }))).toMatchObject({ code, retryable });
      const batch = await admin.rememberMany([
        { text: 'A violin.', namespace },
        { text: 'A recipe.', namespace },
      ]);
      expect(batch).toMatchObject({ stored: 0, failed: 2 });
      // `recall` does not silently fall back to keywords.
      expect(await codeOf(() => admin.recall('Where is the refund?'))).toBe(code);
      expect(await codeOf(() => admin.recall('Where is the refund?', { mode: 'semantic' }))).toBe(code);
      await expectReadable(store, id);
      // The provider asked for a wait of one hour.
      if (reply === closed) return;
      control.always = healthy;
      await admin.remember('A new parcel.', { namespace });
      expect(await admin.recall('parcel', { mode: 'semantic' })).toHaveLength(2);
      expect((await store.verify()).ok).toBe(true);
    },
  );
});

test('a store accepts an embedder whose server has moved to another address', async () => {
  const folder = await temporaryFolder();
  const [before, after] = [await providerServer(), await providerServer()];
  const first = await openFolder(folder, { embedder: embedderAt(before.baseURL) });
  const { id } = await first.admin.remember('refund', { namespace });
  await ended(first);
  const second = await openFolder(folder, { embedder: embedderAt(after.baseURL) });
  expect((await second.admin.recall('refund', { mode: 'semantic' })).map((hit) => hit.id)).toEqual([id]);
});

test('a store whose provider is unreachable opens, is readable, and rejects calls that need a vector', async () => {
  const folder = await temporaryFolder();
  const { baseURL } = await providerServer();
  const first = await openFolder(folder, { embedder: embedderAt(baseURL) });
  const { id } = await first.admin.remember('The known refund goes to the card.', { namespace, key: 'known' });
  await ended(first);
  const second = await openFolder(folder, { embedder: embedderAt(`http://127.0.0.1:${await closedPort()}`) });
  expect(await refusal(() => second.admin.recall('refund'))).toMatchObject({
    code: 'EMBEDDING_FAILED',
    retryable: true,
  });
  await expectReadable(second, id);
});

test.each<[string, Reply]>([
  ['is rejected', refusing(400, { message: 'Refused.' })],
  [
    'gets a vector of zeros',
    altered((items) =>
      items.map((item) => (isForbidden(item.of) ? { ...item, embedding: vectorOf('x').fill(0) } : item)),
    ),
  ],
])('a text that %s makes only its own write fail, not the writes of other agents in the batch', async (_, reply) => {
  const { store, control } = await storeWith((embedder) => openInMemory({ embedder }));
  control.always = (request, response) => (request.body.input.some(isForbidden) ? reply : healthy)(request, response);
  const texts = Array.from({ length: 40 }, (_, i) => (i === 17 ? 'a forbidden text' : `note ${i}`));
  const outcomes = await Promise.allSettled(
    texts.map((text, i) => store.as({ agentId: `agent-${i}` }).remember(text, { namespace })),
  );
  expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? i : []))).toEqual([17]);
  expect(await store.admin.count()).toBe(40);
});

function isForbidden(text: string): boolean {
  return text.includes('forbidden');
}
