import { setTimeout as pause } from 'node:timers/promises';
import { MemoryError, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { board, findings, offers, type Report, rules, stateOf, type Task } from './job';

// One worker, in a process of its own. It shares the task board and the findings with the other workers.
const [folder = '', name = ''] = process.argv.slice(2);
const send = (report: Report) => void process.send?.(report);

// The first process opens the folder and serves it to the others. If it dies, another one takes over.
await using store = await MemoryStore.connect<Task>(folder, { takeOver: { access: rules }, waitMs: 30_000 });
const agent = store.as({ agentId: name });

/** Claims a task. If several workers try, only one succeeds: the update fails if the revision has changed since they read it. */
async function claim(id: string, revision: number, supplier: string): Promise<boolean> {
  try {
    await agent.update(id, { metadata: { supplier, state: 'claimed', by: name } }, { ifRevision: revision });
    send({ event: 'claimed', supplier, by: name });
    return true;
  } catch (error) {
    if (!MemoryError.is(error) || error.code !== 'REVISION_CONFLICT') throw error;
    send({ event: 'lost', supplier, by: name });
    return false;
  }
}

async function work(handle: MemoryHandle<Task>, supplier: string): Promise<void> {
  const offer = offers[supplier];
  if (offer === undefined) throw new Error(`No offer of ${supplier} exists.`);
  // A language model would need some time here.
  await pause(80);
  const text = `${supplier} asks ${offer.price.toFixed(2)} per unit and delivers within ${offer.weeks} weeks.`;
  // With a key, a worker that repeats the task of a dead worker revises its finding and does not add a second one.
  await handle.remember(text, { namespace: findings, key: supplier, source: { channel: 'tool' } });
}

for (;;) {
  const { items } = await agent.list({ namespace: board, order: 'oldest' });
  const open = items.filter((task) => stateOf(task) === 'open');
  const [task] = open;
  if (task !== undefined && (await claim(task.id, task.revision, task.metadata.supplier))) {
    const { supplier } = task.metadata;
    await work(agent, supplier);
    await agent.update(task.id, { metadata: { supplier, state: 'done', by: name } });
    send({ event: 'done', supplier, by: name });
  }
  if (items.every((each) => stateOf(each) === 'done')) break;
  if (open.length === 0) await pause(20);
}
// Each worker can recall the findings of all workers. They were read in documents, so by default one source gives at most two hits.
const all = { namespace: findings, topK: 20, maxPerSource: 20 };
const hits = await agent.recall('price per unit and weeks of delivery', all);
send({ event: 'finished', by: name, found: hits.length });
