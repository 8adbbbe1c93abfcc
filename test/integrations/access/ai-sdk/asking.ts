import type { MemoryHandle, Namespace } from 'multi-agent-memory';
import type { Look, SeenDeed } from '../../../worlds/deeds';
import { pick, type Stage } from '../../../worlds/stage';
import { type App, type Version, versions } from '../../ai-sdk/versions';
import { refusalIn, told } from '../told';
import { appWithTools } from './tool-call';

/** One look by the tool that the model calls, and by the middleware before it. */
export async function look(handle: MemoryHandle, { query, limit }: Look): Promise<string[]> {
  const recall = { topK: limit };
  return each((version) => appWithTools(version, handle, recall, 'recall', { query, limit }), query);
}

/** Tries what must be refused, by tools and by the middleware, whether or not there is anything to be refused. */
export async function attempt(
  { reader, seen }: Stage,
  closed: Namespace,
  { target, text }: SeenDeed,
): Promise<string[]> {
  const [open, shut] = [reader.within({ namespace: ['open'] }), reader.within({ namespace: [...closed] })];
  const recall = { topK: 5 };
  const tries: [MemoryHandle, tool: string, input: object][] = [
    [shut, 'remember', { text }],
    [open, 'remember', { text }],
    [shut, 'recall', { query: text }],
    [reader, 'forget', { id: `hidden-${target % 6}` }],
    [open, 'forget', { id: pick(seen, target) }],
  ];
  const answers: string[] = [];
  for (const [handle, tool, input] of tries)
    answers.push(...(await each((version) => appWithTools(version, handle, recall, tool, input), text)));
  for (const handle of [shut, open])
    answers.push(...(await each(({ app }) => app(handle, [{ say: `${text} indeed` }], { recall }), text)));
  return answers;
}

/** Everything that a reader can learn at the end. */
export async function everything(handle: MemoryHandle): Promise<string[]> {
  const answers: string[] = [];
  for (const topK of [1, 50])
    for (const query of ['apple', 'banana cherry', 'damson'])
      answers.push(...(await each((version) => appWithTools(version, handle, { topK }, 'recall', { query }), query)));
  return answers;
}

/** What the model and the application are told in every version, whole and as a stream. */
async function each(make: (version: Version) => App, content: string): Promise<string[]> {
  const answers: string[] = [];
  for (const version of versions) {
    const [whole, streamed] = [make(version), make(version)];
    answers.push(
      await told(() => whole.generate(content)),
      await told(() => whole.prompts()),
      await told(async () => {
        const { text, errors } = await streamed.stream(content);
        return { text, errors: errors.map(refusalIn) };
      }),
      await told(() => streamed.prompts()),
    );
  }
  return answers;
}
