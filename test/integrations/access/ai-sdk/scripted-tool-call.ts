import type { MemoryHandle } from 'multi-agent-memory';
import { forgetTool, memoryTools, type RecallToolOptions } from 'multi-agent-memory/ai-sdk';
import type { App, Version } from '../../ai-sdk/sdk-versions';

type Recall = NonNullable<RecallToolOptions['recall']>;

/** All tools of the handle. */
function allTools(handle: MemoryHandle, recall: Recall) {
  return { ...memoryTools(handle, { recall, maxTokens: 1e9 }), forget: forgetTool(handle) };
}

/** An application whose model calls one tool and then answers. Its middleware recalls as much as the tool and stores nothing. */
export function appWithTools({ app }: Version, handle: MemoryHandle, recall: Recall, tool: string, input: object): App {
  const steps = [{ tool, input }, { say: 'ok' }];
  return app(handle, steps, { recall, maxTokens: 1e9, remember: false }, allTools(handle, recall));
}

/** The result of a tool call, as the model gets it. */
export async function toolResult(
  version: Version,
  handle: MemoryHandle,
  recall: Recall,
  tool: string,
  input: object,
): Promise<{ type: string; value: string }> {
  const { generate, prompts } = appWithTools(version, handle, recall, tool, input);
  await generate('Do it.');
  // The prompt of the second model call ends with the result of the tool.
  const [part] = (prompts()[1]?.at(-1)?.content ?? []) as unknown as { output: { type: string; value: string } }[];
  if (part === undefined) throw new Error(`The tool ${tool} was not called.`);
  return part.output;
}
