import { MemoryStore } from 'multi-agent-memory';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openAIChatIn } from '../../src/consolidation/chat-models/openai-chat';
import { providerServer, type Reply } from '../embedding/provider-server';
import { fakeTiming } from '../providers/fake-timing';
import { answering, failures, honestAnswer, lies } from './chat-replies';
import { groupOf } from './source-group';

const texts = [
  'Bo moved to Bergen with 2 dogs. It rains.',
  'The rent of Bo is 1,200 euros. It is a lot.',
  'The landlady of Bo is Ingrid Moe. She is nice.',
  'Order 4417 was lost. Nobody knows where.',
];

// `npm run test:lifecycle -- --lies 200` tells each lie about as many groups, whose number differs.
const groups = inject('lies') ?? 1;

let store: MemoryStore;
beforeAll(async () => {
  store = await MemoryStore.inMemory();
});
afterAll(() => store.close());

async function handleWithTexts(...namespace: string[]) {
  const handle = store.admin.within({ namespace });
  await handle.rememberMany(texts.map((text) => ({ text, embed: false })));
  return handle;
}

async function chatWith(reply: Reply, requestTimeoutMs = 2_000) {
  const { baseURL, control } = await providerServer();
  control.always = reply;
  return openAIChatIn(fakeTiming(), { baseURL, model: 'tiny-chat', requestTimeoutMs });
}

const options = { dryRun: false, ratio: 0.9, minSources: 2 };

describe('a chat server that lies', () => {
  test.each(Object.entries(lies))('with %s changes no memory', async (kind, lie) => {
    const summarizer = await chatWith(lie, kind === 'no response in time' ? 20 : 2_000);
    const summary = await summarizer.summarize(groupOf(texts), { ratio: 0.9 }).catch((error: unknown) => error);
    if (kind in failures) expect(summary).toMatchObject({ code: 'SUMMARIZER_FAILED', retryable: true });
    else expect(summary).toEqual({ facts: [], usage: { inputTokens: 100, outputTokens: 20 } });

    for (let n = 1; n <= groups; n++) {
      const handle = await handleWithTexts(kind, `${n}`);
      const before = (await handle.list()).items;
      expect(await handle.consolidate({}, { ...options, summarizer })).toMatchObject({ facts: 0, sources: 0 });
      expect((await handle.list()).items).toEqual(before);
      // The store can be written throughout.
      expect((await handle.remember(`Group ${n} is done.`, { embed: false })).outcome).toBe('stored');
    }
  });
});

test('the facts of an honest chat server take the place of the memories', async () => {
  const handle = await handleWithTexts('honest');
  const summarizer = await chatWith(answering(honestAnswer));
  expect(await handle.consolidate({}, { ...options, summarizer })).toMatchObject({ facts: 4, sources: 4 });
  const facts = (await handle.list()).items;
  expect(facts.map(({ text }) => text).sort()).toEqual(texts.map((text) => text.split('. ')[0]).sort());
});
