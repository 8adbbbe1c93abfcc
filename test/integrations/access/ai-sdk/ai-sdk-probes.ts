import type { MemoryHandle, Namespace } from 'multi-agent-memory';
import type { Look, SeenDeed } from '../../../worlds/deeds';
import { hiddenId } from '../../../worlds/ids';
import { pick, type Stage } from '../../../worlds/stage';
import { type App, type Version, versions } from '../../ai-sdk/sdk-versions';
import { errorFields, outcomeOf } from '../call-outcome';
import { appWithTools } from './scripted-tool-call';

/** Searches with the recall tool and with the middleware. */
export async function look(handle: MemoryHandle, { query, limit }: Look): Promise<string[]> {
  const recall = { topK: limit };
  return each((version) => appWithTools(version, handle, recall, 'recall', { query, limit }), query);
}

/** Tries calls that must fail, with tools and with the middleware. */
export async function attempt(
  { reader, seen }: Stage,
  closed: Namespace,
  { target, text }: SeenDeed,
): Promise<string[]> {
  const [openHandle, closedHandle] = [
    reader.within({ namespace: ['open'] }),
    reader.within({ namespace: [...closed] }),
  ];
  const recall = { topK: 5 };
  const tries: [MemoryHandle, tool: string, input: object][] = [
    [closedHandle, 'remember', { text }],
    [openHandle, 'remember', { text }],
    [closedHandle, 'recall', { query: text }],
    [reader, 'forget', { id: hiddenId(target % 6) }],
    [openHandle, 'forget', { id: pick(seen, target) }],
  ];
  const answers: string[] = [];
  for (const [handle, tool, input] of tries)
    answers.push(...(await each((version) => appWithTools(version, handle, recall, tool, input), text)));
  for (const handle of [closedHandle, openHandle])
    answers.push(...(await each(({ app }) => app(handle, [{ say: `${text} indeed` }], { recall }), text)));
  return answers;
}

/** Everything that a reader can find out at the end. */
export async function everything(handle: MemoryHandle): Promise<string[]> {
  const answers: string[] = [];
  for (const topK of [1, 50])
    for (const query of ['apple', 'banana cherry', 'damson'])
      answers.push(...(await each((version) => appWithTools(version, handle, { topK }, 'recall', { query }), query)));
  return answers;
}

/** What the model and the application get with every version, without and with streaming. */
async function each(make: (version: Version) => App, content: string): Promise<string[]> {
  const answers: string[] = [];
  for (const version of versions) {
    const [whole, streamed] = [make(version), make(version)];
    answers.push(
      await outcomeOf(() => whole.generate(content)),
      await outcomeOf(() => whole.prompts()),
      await outcomeOf(async () => {
        const { text, errors } = await streamed.stream(content);
        return { text, errors: errors.map(errorFields) };
      }),
      await outcomeOf(() => streamed.prompts()),
    );
  }
  return answers;
}
