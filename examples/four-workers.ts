import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryStore } from 'multi-agent-memory';
import { board, findings, offers, type Report, rules, stateOf, type Task } from './four-workers/job';

// Four processes compare the offers of eight suppliers. They share a board and what they find out; one of them is killed.
const folder = await mkdtemp(join(tmpdir(), 'four-workers-'));
{
  await using store = await MemoryStore.open<Task>(folder, { access: rules });
  for (const supplier of Object.keys(offers)) {
    const metadata: Task = { supplier, state: 'open', by: '' };
    await store.admin.remember(`Look at the offer of ${supplier}.`, { namespace: board, key: supplier, metadata });
  }
}

const script = fileURLToPath(new URL('four-workers/worker.ts', import.meta.url));
const workers = new Map<string, ChildProcess>();
const ends: Promise<unknown>[] = [];
let isKilled = false;
for (const name of ['ada', 'ben', 'cleo', 'dan']) {
  const worker = fork(script, [folder, name]);
  workers.set(name, worker);
  ends.push(
    once(worker, 'exit').then(([code, signal]) => {
      if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${name} ended with ${code ?? signal}.`);
    }),
  );
  worker.on('message', async (report: Report) => {
    if (report.say === 'claimed') console.log(`${report.by.padEnd(4)} looks at the offer of ${report.supplier}`);
    if (report.say === 'finished') console.log(`${report.by.padEnd(4)} sees ${report.seen} findings`);
    if (report.say === 'done' && !isKilled) {
      isKilled = true;
      await killHolder();
    }
  });
}

/** Kills the worker that holds the folder, without a word, and puts back on the board what it was at. */
async function killHolder(): Promise<void> {
  const { pid } = JSON.parse(await readFile(join(folder, 'holder.json'), 'utf8')) as { pid: number };
  const [name, holder] = [...workers].find(([, worker]) => worker.pid === pid) ?? [];
  if (name === undefined || holder === undefined) throw new Error(`Process ${pid} is none of the workers.`);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  console.log(`${name.padEnd(4)} was killed, and held the folder: another one takes over`);
  await using store = await MemoryStore.connect<Task>(folder, { waitMs: 30_000 });
  const { items } = await store.admin.list({ namespace: board });
  for (const task of items.filter((each) => stateOf(each) === 'claimed' && each.metadata.by === name)) {
    const metadata: Task = { supplier: task.metadata.supplier, state: 'open', by: '' };
    await store.admin.update(task.id, { metadata });
    console.log(`${task.metadata.supplier} is on the board again`);
  }
}

await Promise.all(ends);
await using store = await MemoryStore.open<Task>(folder);
const tasks = (await store.admin.list({ namespace: board })).items;
const found = (await store.admin.list({ namespace: findings })).items;
console.log(
  `${tasks.filter((task) => stateOf(task) === 'done').length} tasks are done, ${found.length} findings are there.`,
);
const best = Object.entries(offers)
  .filter(([supplier, { weeks }]) => weeks <= 4 && found.some(({ key }) => key === supplier))
  .sort(([, a], [, b]) => a.price - b.price)[0];
console.log(`Within 4 weeks, ${best?.[0]} is cheapest: ${found.find(({ key }) => key === best?.[0])?.text}`);
await store.close();
await rm(folder, { recursive: true });
