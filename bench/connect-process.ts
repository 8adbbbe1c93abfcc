import { MemoryStore } from 'multi-agent-memory';
import type { Ask, Told } from './connect';
import { memoryOf, questionOf, type Ticket } from './shared/corpus';
import { milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const [folder, memories] = JSON.parse(process.argv[2] ?? '') as [string, number];
const vectors = new Vectors(memories);
const store = await MemoryStore.connect<Ticket>(folder);
const agent = store.as({ agentId: 'agent' });

async function recall(number: number): Promise<void> {
  const { words, vector } = questionOf(vectors, number);
  await agent.recall(words, { vector });
}

async function remember(number: number): Promise<void> {
  const { text, ...options } = memoryOf(vectors, memories + number);
  await agent.remember(text, options);
}

process.on('message', async ({ what, from, count }: Ask) => {
  if (what === 'end') {
    await store.close();
    process.disconnect?.();
    return;
  }
  const ms: number[] = [];
  const call = what === 'recall' ? recall : remember;
  for (let i = from; i < from + count; i++) ms.push(await milliseconds(() => call(i)));
  process.send?.(ms satisfies Told);
});
process.send?.([] satisfies Told);
