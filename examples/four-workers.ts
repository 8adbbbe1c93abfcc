import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryStore } from 'multi-agent-memory';
import { board, findings, offers, type Report, rules, stateOf, type Task } from './four-workers/job';

// Four processes compare the offers of eight suppliers. They share a task board and their findings. One of them is killed.
const folder = await mkdtemp(join(tmpdir(), 'four-workers-'));
{
  await using store = await MemoryStore.open<Task>(folder, { access: rules });
  for (const supplier of Object.keys(offers)) {
    const metadata: Task = { supplier, state: 'open', by: '' };
    await store.admin.remember(`Compare the offer of ${supplier}.`, { namespace: board, key: supplier, metadata });
  }
}

const script = fileURLToPath(new URL('four-workers/worker.ts', import.meta.url));
const workers = new Map<string, ChildProcess>();
const exits: Promise<unknown>[] = [];
let isKilled = false;
for (const name of ['ada', 'ben', 'cleo', 'dan']) {
  const worker = fork(script, [folder, name]);
  workers.set(name, worker);
  exits.push(
    once(worker, 'exit').then(([code, signal]) => {
      if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${name} ended with ${code ?? signal}.`);
    }),
  );
  worker.on('message', async (report: Report) => {
    if (report.event === 'claimed') console.log(`${report.by.padEnd(4)} claims the offer of ${report.supplier}`);
    if (report.event === 'finished') console.log(`${report.by.padEnd(4)} can recall ${report.found} findings`);
    if (report.event === 'done' && !isKilled) {
      isKilled = true;
      await killWriter();
    }
  });
}

/** Kills the worker whose process has the folder open, and reopens the task that it had claimed. */
async function killWriter(): Promise<void> {
  const { pid } = JSON.parse(await readFile(join(folder, 'holder.json'), 'utf8')) as { pid: number };
  const [name, writer] = [...workers].find(([, worker]) => worker.pid === pid) ?? [];
  if (name === undefined || writer === undefined) throw new Error(`Process ${pid} is not one of the workers.`);
  writer.kill('SIGKILL');
  await once(writer, 'exit');
  console.log(`${name.padEnd(4)} had the folder open and was killed: another process opens it`);
  await using store = await MemoryStore.connect<Task>(folder, { waitMs: 30_000 });
  const { items } = await store.admin.list({ namespace: board });
  for (const task of items.filter((each) => stateOf(each) === 'claimed' && each.metadata.by === name)) {
    const metadata: Task = { supplier: task.metadata.supplier, state: 'open', by: '' };
    await store.admin.update(task.id, { metadata });
    console.log(`${task.metadata.supplier} is open again`);
  }
}

await Promise.all(exits);
await using store = await MemoryStore.open<Task>(folder);
const tasks = (await store.admin.list({ namespace: board })).items;
const found = (await store.admin.list({ namespace: findings })).items;
console.log(
  `${tasks.filter((task) => stateOf(task) === 'done').length} tasks are done, ${found.length} findings are stored.`,
);
const best = Object.entries(offers)
  .filter(([supplier, { weeks }]) => weeks <= 4 && found.some(({ key }) => key === supplier))
  .sort(([, a], [, b]) => a.price - b.price)[0];
console.log(`Cheapest within 4 weeks: ${best?.[0]}. ${found.find(({ key }) => key === best?.[0])?.text}`);
await store.close();
await rm(folder, { recursive: true });
