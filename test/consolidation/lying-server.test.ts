import { MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openAIChatIn } from '../../src/consolidation/chat-models/openai-chat';
import { providerServer } from '../embedding/provider-server';
import { fakeTiming } from '../providers/fake-timing';
import { answering, failures, honestAnswer, lies } from './chat-replies';
import { groupOf } from './source-group';

const texts = [
  'Bo moved to Bergen with 2 dogs. It rains.',
  'The rent of Bo is 1,200 euros. It is a lot.',
  'The landlady of Bo is Ingrid Moe. She is nice.',
  'Order 4417 was lost. Nobody knows where.',
];

async function chatWith(reply: (typeof lies)[string], requestTimeoutMs = 2_000) {
  const server = await providerServer();
  server.control.always = reply;
  const options = { baseURL: server.baseURL, model: 'tiny-chat', requestTimeoutMs };
  return { server, summarizer: openAIChatIn(fakeTiming(), options) };
}

describe('a chat server that lies', () => {
  test.each(Object.entries(lies))(
    'with %s changes no memory, and the next honest answer is stored',
    async (kind, lie) => {
      const { server, summarizer } = await chatWith(lie, kind === 'no response in time' ? 20 : 2_000);
      const summary = await summarizer.summarize(groupOf(texts), { ratio: 0.9 }).catch((error: unknown) => error);
      if (kind in failures) expect(summary).toMatchObject({ code: 'SUMMARIZER_FAILED', retryable: true });
      else expect(summary).toEqual({ facts: [], usage: { inputTokens: 100, outputTokens: 20 } });

      await using store = await MemoryStore.inMemory();
      const handle = store.admin.within({ namespace: ['support'] });
      await handle.rememberMany(texts.map((text) => ({ text, embed: false })));
      const before = (await handle.list()).items;
      const options = { dryRun: false, summarizer, ratio: 0.9, minSources: 2 };
      expect(await handle.consolidate({}, options)).toMatchObject({ facts: 0, sources: 0 });
      expect((await handle.list()).items).toEqual(before);

      server.control.always = answering(honestAnswer);
      const { summarizer: honest } = await chatWith(answering(honestAnswer));
      expect(await handle.consolidate({}, { ...options, summarizer: honest })).toMatchObject({ facts: 4, sources: 4 });
      const facts = (await handle.list()).items;
      expect(facts.map(({ text }) => text).sort()).toEqual(texts.map((text) => text.split('. ')[0]).sort());
    },
  );
});
