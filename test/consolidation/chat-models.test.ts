import { inspect } from 'node:util';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { MockLanguageModelV3 } from 'ai/test';
import { describe, expect, test } from 'vitest';
import {
  type AISDKLanguageModel,
  fromAISDKChat,
  fromAISDKChatIn,
} from '../../src/consolidation/chat-models/ai-sdk-chat';
import { fromLangChainChat, type LangChainChat } from '../../src/consolidation/chat-models/langchain-chat';
import { openAIChatIn } from '../../src/consolidation/chat-models/openai-chat';
import type { FactDraft } from '../../src/consolidation/summarizer';
import { instructions } from '../../src/consolidation/summary-prompt';
import { summarizerConformance } from '../../src/testing/summarizer-conformance';
import { closedPort, providerServer, type Reply, refusing, sendJson } from '../embedding/provider-server';
import { fakeTiming } from '../providers/fake-timing';
import { answering, type ChatBody, honestAnswer, userOf } from './chat-replies';
import { groupOf } from './source-group';

async function chatServer(...replies: Reply[]) {
  const server = await providerServer(...replies);
  server.control.always = answering(honestAnswer);
  const timing = fakeTiming();
  const summarizer = openAIChatIn(timing, {
    baseURL: server.baseURL,
    model: 'tiny-chat',
    apiKey: 'sk-secret-123456',
    requestTimeoutMs: 1_000,
  });
  const bodies = () => server.requests.map(({ body }) => body as unknown as ChatBody);
  return { ...server, timing, summarizer, bodies };
}

const texts = [
  'Bo moved to Bergen with 2 dogs. It rains.',
  'The rent of Bo is 1,200 euros. It is a lot.',
  'The landlady of Bo is Ingrid Moe. She is nice.',
];
const facts: readonly FactDraft[] = texts.map((text, i) => ({ text: text.split('. ')[0]!, from: [i + 1] }));

describe('openAIChat', () => {
  for (const { name, run } of summarizerConformance(async () => (await chatServer()).summarizer)) test(name, run);

  test('sends numbered sources as JSON beside fixed instructions, and counts tokens', async () => {
    const { summarizer, bodies, requests } = await chatServer();
    const summary = await summarizer.summarize(groupOf(texts), { ratio: 0.9 });
    expect(summary).toEqual({ facts, usage: { inputTokens: 100, outputTokens: 20 } });
    const [{ messages, ...parameters }] = bodies() as [ChatBody];
    expect(requests[0]).toMatchObject({
      url: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-secret-123456' },
    });
    expect(parameters).toEqual({
      model: 'tiny-chat',
      response_format: { type: 'json_object' },
      temperature: 0,
      max_tokens: 2_000,
    });
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(messages[0]!.content).toBe(instructions);
    expect(JSON.parse(messages[1]!.content)).toEqual({
      maxBytes: Math.floor(Buffer.byteLength(texts.join('')) * 0.9),
      sources: groupOf(texts).sources.map(({ at, ...rest }) => ({ ...rest, at: at.toISOString() })),
    });
    expect(summarizer.name).toBe('tiny-chat, prompt 1');
  });

  test('leaves out the parameters that a server rejects, also in later requests', async () => {
    const refuse = (message: string) => refusing(400, { message });
    const { summarizer, bodies } = await chatServer(
      refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."),
      refuse("'temperature' does not support 0 with this model."),
      refuse('response_format is not supported'),
    );
    await summarizer.summarize(groupOf(texts), { ratio: 0.9 });
    await summarizer.summarize(groupOf(texts), { ratio: 0.9 });
    const [, , , third, later] = bodies();
    for (const body of [third!, later!]) {
      const { messages, ...parameters } = body;
      expect(parameters).toEqual({ model: 'tiny-chat', max_completion_tokens: 2_000 });
    }
    expect(bodies()).toHaveLength(5);
  });

  test('retries temporary failures, and fails with SUMMARIZER_FAILED', async () => {
    const { summarizer, requests, timing } = await chatServer(refusing(429, {}, { 'retry-after': '3' }), refusing(500));
    expect((await summarizer.summarize(groupOf(texts), { ratio: 0.9 })).facts).toEqual(facts);
    expect([requests.length, timing.waits[0]! >= 3_000]).toEqual([3, true]);
    const unknown = await chatServer(refusing(404));
    await expect(unknown.summarizer.summarize(groupOf(texts), { ratio: 0.9 })).rejects.toMatchObject({
      code: 'SUMMARIZER_FAILED',
      retryable: false,
    });
    const baseURL = `http://127.0.0.1:${await closedPort()}/v1`;
    const nobody = openAIChatIn(fakeTiming(), { baseURL, model: 'tiny-chat' });
    await expect(nobody.summarize(groupOf(texts), { ratio: 0.9 })).rejects.toMatchObject({
      code: 'SUMMARIZER_FAILED',
      retryable: true,
    });
  });

  test('puts neither keys nor texts into errors', async () => {
    const quoting: Reply = ({ body }, response) =>
      sendJson(response, { error: { message: `Bad: sk-secret-123456 ${userOf(body)}` } }, 400);
    const { summarizer } = await chatServer(quoting);
    const error = await summarizer.summarize(groupOf(texts), { ratio: 0.9 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SUMMARIZER_FAILED' });
    for (const secret of ['sk-secret', 'Bergen', 'Ingrid']) expect(inspect(error)).not.toContain(secret);
  });

  test('reads JSON in a fence, and drops what is no fact', async () => {
    const odd = JSON.stringify({
      facts: [...facts, { text: ' ' }, { text: 'x', from: [] }, { text: 'y', from: ['1'] }, 7],
    });
    const { summarizer } = await chatServer(answering(`Here it is:\n\`\`\`json\n${odd}\n\`\`\``));
    expect((await summarizer.summarize(groupOf(texts), { ratio: 0.9 })).facts).toEqual(facts);
  });

  test('lists every issue of its options', () => {
    const options = { baseURL: 'ftp://x', model: '', maxOutputTokens: 0, temprature: 1 };
    expect(() => openAIChatIn(fakeTiming(), options as never)).toThrow(
      /baseURL.*|model.*|maxOutputTokens.*|temprature/,
    );
  });
});

describe('fromAISDKChat', () => {
  type Call = Parameters<AISDKLanguageModel['doGenerate']>[0];
  const modelThat = (usage: unknown, calls: Call[] = []): AISDKLanguageModel => ({
    modelId: 'sdk-chat',
    async doGenerate(call) {
      calls.push(call);
      const [, user] = call.prompt;
      const text = honestAnswer((user!.content as { text: string }[])[0]!.text);
      const parts = [
        { type: 'reasoning', text: 'hm' },
        { type: 'text', text },
      ];
      return { content: parts, usage };
    },
  });

  for (const { name, run } of summarizerConformance(async () => fromAISDKChat(modelThat({})))) test(name, run);

  test('reads the answer of a language model of the AI SDK', async () => {
    const count = { total: 7, noCache: 7, cacheRead: 0, cacheWrite: 0 };
    const model = new MockLanguageModelV3({
      doGenerate: async () => ({
        content: [{ type: 'text', text: JSON.stringify({ facts }) }],
        finishReason: { unified: 'stop', raw: undefined },
        usage: { inputTokens: count, outputTokens: { total: 3, text: 3, reasoning: 0 } },
        warnings: [],
      }),
    });
    const summary = await fromAISDKChat(model).summarize(groupOf(texts), { ratio: 0.9 });
    expect(summary).toEqual({ facts, usage: { inputTokens: 7, outputTokens: 3 } });
  });

  test.each([
    ['v2', { inputTokens: 7, outputTokens: 3 }],
    ['v3', { inputTokens: { total: 7 }, outputTokens: { total: 3 } }],
  ])('asks for JSON without tools, and counts the tokens of specification %s', async (_, usage) => {
    const calls: Call[] = [];
    const summary = await fromAISDKChat(modelThat(usage, calls)).summarize(groupOf(texts), { ratio: 0.9 });
    expect(summary).toEqual({ facts, usage: { inputTokens: 7, outputTokens: 3 } });
    expect(calls[0]).toMatchObject({ temperature: 0, maxOutputTokens: 2_000, responseFormat: { type: 'json' } });
    expect(calls[0]).not.toHaveProperty('tools');
  });

  test('retries what the SDK marks as retryable, and fails with SUMMARIZER_FAILED without texts', async () => {
    let calls = 0;
    const model: AISDKLanguageModel = {
      modelId: 'sdk-chat',
      async doGenerate() {
        calls++;
        throw Object.assign(new Error(`overloaded: ${texts[0]}`), { isRetryable: true, requestBodyValues: texts });
      },
    };
    const failed = fromAISDKChatIn(fakeTiming(), model, {}).summarize(groupOf(texts), { ratio: 0.9 });
    const error = await failed.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SUMMARIZER_FAILED', retryable: true });
    expect(inspect(error)).not.toContain('Bergen');
    expect(calls).toBe(3);
  });
});

describe('fromLangChainChat', () => {
  const answer = JSON.stringify({ facts });
  const summarizer = fromLangChainChat(new FakeListChatModel({ responses: [answer] }), { model: 'fake' });

  const honest: LangChainChat = { invoke: async ([, human]) => ({ content: honestAnswer(human![1]) }) };
  for (const { name, run } of summarizerConformance(async () => fromLangChainChat(honest, { model: 'fake' })))
    test(name, run);

  test('reads the answer of a chat model of LangChain', async () => {
    expect(await summarizer.summarize(groupOf(texts), { ratio: 0.9 })).toEqual({ facts });
  });

  test('counts tokens, joins the parts of an answer, and redacts errors', async () => {
    const chat = {
      async invoke() {
        const content = [{ type: 'text', text: answer.slice(0, 30) }, answer.slice(30)];
        return { content, usage_metadata: { input_tokens: 5, output_tokens: 2 } };
      },
    };
    const summary = await fromLangChainChat(chat, { model: 'parts' }).summarize(groupOf(texts), { ratio: 0.9 });
    expect(summary).toEqual({ facts, usage: { inputTokens: 5, outputTokens: 2 } });
    const failing = { invoke: () => Promise.reject(Object.assign(new Error(texts[0]), { status: 503 })) };
    const failed = fromLangChainChat(failing, { model: 'down' }).summarize(groupOf(texts), { ratio: 0.9 });
    const error = await failed.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SUMMARIZER_FAILED', retryable: true });
    expect(inspect(error)).not.toContain('Bergen');
  });
});
