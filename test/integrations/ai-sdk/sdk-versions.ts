import * as ai6 from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import * as ai7 from 'ai-7';
import { MockLanguageModelV4 } from 'ai-7/test';
import type { MemoryHandle } from 'multi-agent-memory';
import { type MemoryMiddlewareOptions, memoryMiddleware, memoryTools } from 'multi-agent-memory/ai-sdk';

/** What a model does in one call: answers, calls a tool, or fails. */
export type Step =
  | { readonly say: string }
  | { readonly tool: string; readonly input: object }
  | { readonly fail: string };
type Content = string | object[];
type Tools = ReturnType<typeof memoryTools>;

/** One major version of the AI SDK, with a scripted model. */
export interface Version {
  readonly name: string;
  /** An application with a memory, whose model follows the given steps. */
  app(handle: MemoryHandle, steps: readonly Step[], options?: MemoryMiddlewareOptions, tools?: Tools): App;
}

/** An application that calls a scripted model. */
export interface App {
  /** The prompts that the model got. */
  readonly prompts: () => { role: string; content: string | { type: string; text?: string }[] }[][];
  /** The answer of a `ToolLoopAgent` with the same model and tools. */
  agent(prompt: string): Promise<string>;
  generate(content: Content, options?: { signal?: AbortSignal; system?: string }): Promise<string>;
  /** The text and the errors of a stream. With `abortAfter` it is aborted after so many text parts. */
  stream(content: Content, options?: { abortAfter?: number }): Promise<{ text: string; errors: unknown[] }>;
}

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

function reason(step: Step) {
  return { unified: 'tool' in step ? ('tool-calls' as const) : ('stop' as const), raw: undefined };
}

function resultOf(step: Step) {
  if ('fail' in step) throw new Error(step.fail);
  const content =
    'say' in step
      ? [
          { type: 'reasoning' as const, text: 'Thinking.' },
          { type: 'text' as const, text: step.say },
        ]
      : [
          {
            type: 'tool-call' as const,
            toolCallId: 'c-1',
            toolName: step.tool,
            input: JSON.stringify(step.input),
          },
        ];
  return { content, finishReason: reason(step), usage, warnings: [] };
}

function partsOf(step: Step) {
  const start = { type: 'stream-start' as const, warnings: [] };
  const finish = { type: 'finish' as const, usage, finishReason: reason(step) };
  if ('fail' in step) return [start, { type: 'error' as const, error: new Error(step.fail) }, finish];
  if ('tool' in step) return [start, resultOf(step).content[0] as never, finish];
  const words = step.say.split(/(?<= )/);
  return [
    start,
    { type: 'text-start' as const, id: 't' },
    ...words.map((delta) => ({ type: 'text-delta' as const, id: 't', delta })),
    { type: 'text-end' as const, id: 't' },
    finish,
  ];
}

function scripted<M extends typeof MockLanguageModelV3 | typeof MockLanguageModelV4>(
  steps: readonly Step[],
  simulate: typeof ai6.simulateReadableStream,
) {
  let next = 0;
  const step = () => steps[Math.min(next++, steps.length - 1)] as Step;
  return {
    doGenerate: async () => resultOf(step()),
    doStream: async () => ({
      stream: simulate<object>({ chunks: partsOf(step()), initialDelayInMs: null, chunkDelayInMs: null }),
    }),
  } as unknown as ConstructorParameters<M>[0] & object;
}

async function read(textStream: AsyncIterable<string>, abortAfter: number | undefined, abort: () => void) {
  let text = '';
  let parts = 0;
  try {
    for await (const part of textStream) {
      text += part;
      if (++parts === abortAfter) abort();
    }
  } catch {
    // An aborted stream may or may not throw. `onError` gets the other errors.
  }
  return text;
}

const user = (content: Content) => [{ role: 'user' as const, content: content as never }];

const six: Version = {
  name: 'ai 6',
  app(handle, steps, options, tools = memoryTools(handle)) {
    const mock = new MockLanguageModelV3(scripted<typeof MockLanguageModelV3>(steps, ai6.simulateReadableStream));
    const model = ai6.wrapLanguageModel({ model: mock, middleware: memoryMiddleware(handle, options) });
    const common = { model, tools, stopWhen: ai6.stepCountIs(5), maxRetries: 0 };
    return {
      prompts: () => [...mock.doGenerateCalls, ...mock.doStreamCalls].map(({ prompt }) => prompt as never),
      agent: async (prompt) => (await new ai6.ToolLoopAgent({ model, tools, maxRetries: 0 }).generate({ prompt })).text,
      generate: async (content, { signal, system } = {}) => {
        const more = { ...(signal && { abortSignal: signal }), ...(system === undefined ? {} : { system }) };
        return (await ai6.generateText({ ...common, messages: user(content), ...more })).text;
      },
      stream: async (content, { abortAfter } = {}) => {
        const errors: unknown[] = [];
        const abort = new AbortController();
        const { textStream } = ai6.streamText({
          ...common,
          messages: user(content),
          abortSignal: abort.signal,
          onError: ({ error }) => void errors.push(error),
        });
        return { text: await read(textStream, abortAfter, () => abort.abort()), errors };
      },
    };
  },
};

const seven: Version = {
  name: 'ai 7',
  app(handle, steps, options, tools = memoryTools(handle)) {
    const mock = new MockLanguageModelV4(scripted<typeof MockLanguageModelV4>(steps, ai6.simulateReadableStream));
    const model = ai7.wrapLanguageModel({ model: mock, middleware: memoryMiddleware(handle, options) });
    const common = { model, tools, stopWhen: ai7.stepCountIs(5), maxRetries: 0 };
    return {
      prompts: () => [...mock.doGenerateCalls, ...mock.doStreamCalls].map(({ prompt }) => prompt as never),
      agent: async (prompt) => (await new ai7.ToolLoopAgent({ model, tools, maxRetries: 0 }).generate({ prompt })).text,
      generate: async (content, { signal, system } = {}) => {
        const more = {
          ...(signal && { abortSignal: signal }),
          ...(system === undefined ? {} : { instructions: system }),
        };
        return (await ai7.generateText({ ...common, messages: user(content), ...more })).text;
      },
      stream: async (content, { abortAfter } = {}) => {
        const errors: unknown[] = [];
        const abort = new AbortController();
        const { textStream } = ai7.streamText({
          ...common,
          messages: user(content),
          abortSignal: abort.signal,
          onError: ({ error }) => void errors.push(error),
        });
        return { text: await read(textStream, abortAfter, () => abort.abort()), errors };
      },
    };
  },
};

/** Both supported major versions. */
export const versions: readonly Version[] = [six, seven];
