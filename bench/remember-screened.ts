import type { MemoryHandle, SourceChannel } from 'multi-agent-memory';
import { memoryOf, type Ticket } from './shared/corpus';
import { median } from './shared/figures';
import { type Question, type Setting, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

/** Durable writes of texts that are screened, against writes in a store that screens nothing. */
export const rememberScreened: Question = {
  name: 'remember-screened',
  asks: 'What does a durable remember of what came from a tool, or from an agent, cost with screening, compared with no screening?',
  async run(setting) {
    const screening = await openStore(await copyOfLoaded(setting));
    const bare = await openStore(await copyOfLoaded(setting), { screening: 'off' });
    const handles = { ours: screening.as({ agentId: 'agent' }), theirs: bare.as({ agentId: 'agent' }) };
    const rows = [await writesOf(setting, handles, 'tool', 1), await writesOf(setting, handles, 'agent', 2)];
    await screening.close();
    await bare.close();
    return rows;
  },
};

interface Handles {
  readonly ours: MemoryHandle<Ticket>;
  readonly theirs: MemoryHandle<Ticket>;
}

/** @param round Each round writes other memories. */
async function writesOf(
  setting: Setting,
  { ours, theirs }: Handles,
  channel: SourceChannel,
  round: number,
): Promise<Row> {
  const vectors = new Vectors(setting.memories);
  const count = samples(setting, 4_000);
  const items = Array.from({ length: count }, (_, i) => memoryOf(vectors, setting.memories * round + i));
  const write = async (agent: MemoryHandle<Ticket>, { text, ...options }: ReturnType<typeof memoryOf>) => {
    await agent.remember(text, { ...options, source: { channel } });
  };
  const [ms, baseline]: [number[], number[]] = [[], []];
  // Warm-up: the code is then compiled, and SQLite overwrites the logs of both in place of extending them.
  for (const item of items.splice(0, items.length / 4)) {
    await write(ours, item);
    await write(theirs, item);
  }
  await calm();
  for (const [i, item] of items.entries()) {
    await interleaved(
      i,
      async () => void ms.push(await milliseconds(() => write(ours, item))),
      async () => void baseline.push(await milliseconds(() => write(theirs, item))),
    );
  }
  const figures = { value: median(ms), baseline: median(baseline) };
  return row({ name: `remember-screened, ${channel}`, ...figures, unit: 'ms', goal: { ratioAtMost: 1.15 } });
}
