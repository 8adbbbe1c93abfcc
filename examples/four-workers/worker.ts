import { setTimeout as pause } from 'node:timers/promises';
import { MemoryError, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { board, findings, offers, type Report, rules, stateOf, type Task } from './job';

// One worker: a process of its own with a goal, a board of tasks that it shares with others, and what they found out so far.
const [folder = '', name = ''] = process.argv.slice(2);
const tell = (report: Report) => void process.send?.(report);

// Whoever comes first opens the folder; when it dies, another one does.
await using store = await MemoryStore.connect<Task>(folder, { takeOver: { access: rules }, waitMs: 30_000 });
const agent = store.as({ agentId: name });

/** Takes a task if it is still open: of all who try, one gets it, because each relies on the revision that it saw. */
async function claim(id: string, revision: number, supplier: string): Promise<boolean> {
  try {
    await agent.update(id, { metadata: { supplier, state: 'claimed', by: name } }, { ifRevision: revision });
    tell({ say: 'claimed', supplier, by: name });
    return true;
  } catch (error) {
    if (!MemoryError.is(error) || error.code !== 'REVISION_CONFLICT') throw error;
    tell({ say: 'beaten', supplier, by: name });
    return false;
  }
}

async function work(handle: MemoryHandle<Task>, supplier: string): Promise<void> {
  const offer = offers[supplier];
  if (offer === undefined) throw new Error(`There is no offer of ${supplier}.`);
  // What a language model would take its time for.
  await pause(80);
  const text = `${supplier} asks ${offer.price.toFixed(2)} per unit and delivers within ${offer.weeks} weeks.`;
  // A key: who does a task again that a dead worker had finished writes the same finding, not a second one.
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
    tell({ say: 'done', supplier, by: name });
  }
  if (items.every((each) => stateOf(each) === 'done')) break;
  if (open.length === 0) await pause(20);
}
// What all of them found is there for each of them.
const seen = await agent.recall('price per unit and weeks of delivery', { namespace: findings, topK: 20 });
tell({ say: 'finished', by: name, seen: seen.length });
