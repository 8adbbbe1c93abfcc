import type { MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { memoryOf, type Ticket } from './shared/corpus';
import { median } from './shared/figures';
import { type Question, type Setting, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';
import { withoutAuditOfChanges } from './shared/without-audit';

const goal = { ratioAtMost: 1.15 };
const callers = 64;
const rounds = 10;

/** Durable writes with the audit of changes, against writes of a store in which the benchmark removes the call of the audit. */
export const auditWrites: Question = {
  name: 'audit-writes',
  asks: 'What does a durable write cost with its audit, one at a time and with 64 callers, compared with no audit?',
  async run(setting) {
    const folders = [await copyOfLoaded(setting), await copyOfLoaded(setting)] as const;
    const audited = await openStore(folders[0]);
    const bare = await openStore(folders[1]);
    await withoutAuditOfChanges(folders[1]);
    const before = await changesIn(bare);
    const rows = [await oneByOne(setting, audited, bare), await together(setting, audited, bare)];
    if ((await changesIn(bare)) !== before)
      throw new Error('The store whose audit was switched off has new audit entries, so it cannot be the baseline.');
    await audited.close();
    await bare.close();
    return rows;
  },
};

async function changesIn({ audit }: MemoryStore<Ticket>): Promise<number> {
  return (await audit.checkpoint()).find(({ chain }) => chain === 'changes')?.size ?? 0;
}

async function oneByOne(setting: Setting, audited: MemoryStore<Ticket>, bare: MemoryStore<Ticket>): Promise<Row> {
  const items = itemsOf(setting, setting.memories, samples(setting, 4_000));
  const [theirs, ours] = [bare.as({ agentId: 'agent' }), audited.as({ agentId: 'agent' })];
  const [ms, baseline]: [number[], number[]] = [[], []];
  // Warm-up: SQLite then overwrites the logs of both in place of extending them.
  const warm = items.splice(0, items.length / 4);
  for (const item of warm) {
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
  return row({ name: 'audit-writes, one', value: median(ms), baseline: median(baseline), unit: 'ms', goal });
}

/** The mean milliseconds of a write of 64 concurrent callers. Each round includes a checkpoint of the audit, which is made once a second. */
async function together(setting: Setting, audited: MemoryStore<Ticket>, bare: MemoryStore<Ticket>): Promise<Row> {
  const perRound = samples(setting, 4_000);
  const items = itemsOf(setting, setting.memories * 2, rounds * perRound);
  const [ms, baseline]: [number[], number[]] = [[], []];
  const round = async (store: MemoryStore<Ticket>, some: readonly Item[]) => {
    const left = [...some];
    const spent = await milliseconds(async () => {
      await Promise.all(
        Array.from({ length: callers }, async (_, caller) => {
          const agent = store.as({ agentId: `agent-${caller}` });
          for (let item = left.pop(); item !== undefined; item = left.pop()) await write(agent, item);
        }),
      );
      await store.audit.checkpoint();
    });
    return spent / perRound;
  };
  await calm();
  for (let i = 0; i < rounds; i++) {
    const some = items.slice(i * perRound, (i + 1) * perRound);
    await interleaved(
      i,
      async () => void ms.push(await round(audited, some)),
      async () => void baseline.push(await round(bare, some)),
    );
  }
  return row({
    name: `audit-writes, of ${callers} callers`,
    value: median(ms),
    baseline: median(baseline),
    unit: 'ms',
    goal,
  });
}

type Item = ReturnType<typeof memoryOf>;

function itemsOf(setting: Setting, from: number, count: number): Item[] {
  const vectors = new Vectors(setting.memories);
  return Array.from({ length: count }, (_, i) => memoryOf(vectors, from + i));
}

async function write(agent: MemoryHandle<Ticket>, { text, ...options }: Item): Promise<void> {
  await agent.remember(text, options);
}
