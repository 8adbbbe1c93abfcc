import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { MemoryStore } from 'multi-agent-memory';
import { memoryOf, questionOf, type Ticket } from './shared/corpus';
import { median } from './shared/figures';
import { type Question, type Setting, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

/** A request to the connected process to measure calls. */
export interface Ask {
  readonly what: 'recall' | 'remember' | 'end';
  readonly from: number;
  readonly count: number;
}

/** The milliseconds of each call. */
export type Told = readonly number[];

const few = 1_000;
const inARow = 10;
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** Calls of the process that owns the folder, and the same calls of a connected process, in turns. */
export const connecting: Question = {
  name: 'connect',
  asks: 'What do a recall and a durable write cost through a socket, compared with the same calls in the process that owns the folder?',
  async run(setting) {
    const all = await measured(setting, await copyOfLoaded(setting), setting.memories);
    const folder = await mkdtemp(join(setting.folder, 'few-'));
    const memories = Math.min(few, setting.memories);
    await fill(folder, memories);
    return [...all, ...(await measured(setting, folder, memories))];
  },
};

async function measured(setting: Setting, folder: string, memories: number): Promise<Row[]> {
  const store = await openStore(folder, { serve: true });
  await store.settled();
  const script = fileURLToPath(new URL('connect-process.ts', import.meta.url));
  const client = fork(script, [JSON.stringify([folder, memories])], { execArgv: ['--import', tsx] });
  await once(client, 'message');
  const rows: Row[] = [];
  for (const [what, full, ratioAtMost] of [
    ['recall', 100, 1.3],
    ['remember', 60, undefined],
  ] as const) {
    const [through, direct] = await timed(store, client, { what, memories, rounds: samples(setting, full, 2) });
    const goal = ratioAtMost === undefined || memories <= few ? {} : { goal: { ratioAtMost } };
    const name = `connect, ${what} of ${memories.toLocaleString('en-US')}`;
    rows.push(row({ name, value: median(through), baseline: median(direct), unit: 'ms', ...goal }));
  }
  client.send({ what: 'end', from: 0, count: 0 } satisfies Ask);
  await once(client, 'exit');
  await store.close();
  return rows;
}

interface Timing {
  readonly what: 'recall' | 'remember';
  readonly memories: number;
  readonly rounds: number;
}

async function timed(store: MemoryStore<Ticket>, client: ChildProcess, { what, memories, rounds }: Timing) {
  const vectors = new Vectors(memories);
  const agent = store.as({ agentId: 'agent' });
  const own = async (number: number) => {
    const { words, vector } = questionOf(vectors, number);
    if (what === 'recall') return agent.recall(words, { vector });
    const { text, ...options } = memoryOf(vectors, memories + number);
    return agent.remember(text, options);
  };
  await calm();
  const [through, direct]: [number[], number[]] = [[], []];
  for (let round = -Math.ceil(rounds / 4); round < rounds; round++) {
    // Both make the same recalls, and each its own writes. The first rounds are a warm-up.
    const from = (Math.abs(round) + 1) * inARow;
    const asked = what === 'recall' ? from : from * 2 + inARow;
    const [ours, theirs]: [number[], number[]] = [[], []];
    await interleaved(
      Math.abs(round),
      async () => {
        client.send({ what, from: asked, count: inARow } satisfies Ask);
        const [told] = (await once(client, 'message')) as [Told];
        ours.push(...told);
      },
      async () => {
        for (let i = from; i < from + inARow; i++) theirs.push(await milliseconds(() => own(i)));
      },
    );
    if (round < 0) continue;
    through.push(...ours);
    direct.push(...theirs);
  }
  return [through, direct] as const;
}

async function fill(folder: string, memories: number): Promise<void> {
  const vectors = new Vectors(memories);
  const store = await openStore(folder);
  await store.admin.rememberMany(Array.from({ length: memories }, (_, ticket) => memoryOf(vectors, ticket)));
  await store.settled();
  await store.close();
}
