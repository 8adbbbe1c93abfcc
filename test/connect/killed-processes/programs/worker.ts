/** Recalls and writes through `connect` with takeOver, and reports each call and each answer, until it gets a line on stdin. */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { allow, MemoryStore } from 'multi-agent-memory';
import { say, task } from '../../../faults/programs/said';
import { Random } from '../../../faults/random';
import {
  keyOf,
  namespace,
  type WorkerMessage,
  type WorkerTask,
  type Write,
  type WriteResult,
} from '../worker-messages';

const { folder, name, seed, perSecond } = task<WorkerTask>();
const report = (message: WorkerMessage) => say(message);
const random = new Random(seed);
// Words of one length: the embedder takes short texts first, and memories are stored in the order in which they are embedded.
const words = ['lantern', 'harbour', 'pottery', 'cottage', 'orchard'];
let isStopped = false;
createInterface({ input: process.stdin }).on('line', () => {
  isStopped = true;
});

const access = [allow('everyone', 'curator', namespace)];
const store = await MemoryStore.connect(folder, { takeOver: { access }, waitMs: 30_000 });
const handle = store.as({ agentId: name }, { namespace });
report({ say: 'connected' });

const counter = await handle.remember(`counter of ${name}`);
const forgettableIds: string[] = [];
const running = new Set<Promise<void>>();
let writes = 0;

function textOf(n: number, part = 0): string {
  return `${name} wrote ${words[n % words.length]} ${String(n).padStart(5, '0')}.${part}`;
}

function nextWrite(): Write {
  const n = writes++;
  const kind = random.pick([...'rrrrrkkkccmmaf']);
  if (kind === 'k') return { n, kind: 'key', text: textOf(n) };
  if (kind === 'c') return { n, kind: 'update', text: textOf(n) };
  if (kind === 'm' || kind === 'a') {
    return { n, kind: kind === 'm' ? 'many' : 'atomic', texts: [0, 1, 2].map((part) => textOf(n, part)) };
  }
  const id = kind === 'f' ? forgettableIds.shift() : undefined;
  return id === undefined ? { n, kind: 'remember', text: textOf(n) } : { n, kind: 'forget', id };
}

async function run(write: Write): Promise<WriteResult[]> {
  switch (write.kind) {
    case 'remember':
      return [await handle.remember(write.text)];
    case 'key':
      return [await handle.remember(write.text, { key: keyOf(name) })];
    case 'update': {
      const { id, revision } = await handle.update(counter.id, { text: write.text });
      return [{ id, revision, outcome: 'updated' }];
    }
    case 'forget':
      return [{ id: write.id, revision: 0, outcome: (await handle.forget(write.id)) ? 'forgotten' : 'not found' }];
    default: {
      const items = write.texts.map((text) => ({ text }));
      const { results } = await handle.rememberMany(items, { atomic: write.kind === 'atomic' });
      return results.map((each) => (each.ok ? each : { id: '', revision: 0, outcome: each.error.code }));
    }
  }
}

async function writeOnce(): Promise<void> {
  const write = nextWrite();
  report({ say: 'intent', ...write });
  try {
    const results = await run(write);
    report({ say: 'ack', n: write.n, results });
    if (write.kind === 'remember' && results[0] !== undefined) forgettableIds.push(results[0].id);
  } catch (error) {
    report({ say: 'failed', n: write.n, error: String(error) });
  }
}

async function recallOnce(): Promise<void> {
  const started = performance.now();
  try {
    await handle.recall(`${random.pick(words)} ${random.pick(words)}`, { topK: 5 });
    report({ say: 'recalled', ms: performance.now() - started });
  } catch (error) {
    report({ say: 'failed', n: -1, error: String(error) });
  }
}

// Does not wait for answers: while no process serves the folder, calls accumulate.
while (!isStopped) {
  for (const work of [writeOnce(), recallOnce()]) {
    running.add(work);
    void work.then(() => running.delete(work));
  }
  await pause(1_000 / perSecond);
}
await Promise.all(running);
await store.close();
report({ say: 'stopped' });
process.stdin.destroy();
