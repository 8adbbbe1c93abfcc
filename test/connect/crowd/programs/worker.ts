/** Recalls and writes through `connect`, ready to take over, and says what it asks for and what it was told, until it is told to stop. */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { allow, MemoryStore } from 'multi-agent-memory';
import { say, task } from '../../../faults/programs/said';
import { Random } from '../../../faults/random';
import { type Answer, type Deed, keyOf, type Line, namespace, type WorkerTask } from '../deeds';

const { folder, name, seed, perSecond } = task<WorkerTask>();
const tell = (line: Line) => say(line);
const random = new Random(seed);
// Texts of one length: an embedder is given short ones first, and what was embedded first is stored first.
const words = ['lantern', 'harbour', 'pottery', 'cottage', 'orchard'];
let isStopped = false;
createInterface({ input: process.stdin }).on('line', () => {
  isStopped = true;
});

const access = [allow('everyone', 'curator', namespace)];
const store = await MemoryStore.connect(folder, { takeOver: { access }, waitMs: 30_000 });
const handle = store.as({ agentId: name }, { namespace });
tell({ say: 'connected' });

const counter = await handle.remember(`counter of ${name}`);
const forgettable: string[] = [];
const running = new Set<Promise<void>>();
let deeds = 0;

function textOf(n: number, part = 0): string {
  return `${name} wrote ${words[n % words.length]} ${String(n).padStart(5, '0')}.${part}`;
}

function nextDeed(): Deed {
  const n = deeds++;
  const kind = random.pick([...'rrrrrkkkccmmaf']);
  if (kind === 'k') return { n, kind: 'key', text: textOf(n) };
  if (kind === 'c') return { n, kind: 'count', text: textOf(n) };
  if (kind === 'm' || kind === 'a') {
    return { n, kind: kind === 'm' ? 'many' : 'all', texts: [0, 1, 2].map((part) => textOf(n, part)) };
  }
  const id = kind === 'f' ? forgettable.shift() : undefined;
  return id === undefined ? { n, kind: 'remember', text: textOf(n) } : { n, kind: 'forget', id };
}

async function ask(deed: Deed): Promise<Answer[]> {
  switch (deed.kind) {
    case 'remember':
      return [await handle.remember(deed.text)];
    case 'key':
      return [await handle.remember(deed.text, { key: keyOf(name) })];
    case 'count': {
      const { id, revision } = await handle.update(counter.id, { text: deed.text });
      return [{ id, revision, outcome: 'updated' }];
    }
    case 'forget':
      return [{ id: deed.id, revision: 0, outcome: (await handle.forget(deed.id)) ? 'forgotten' : 'not there' }];
    default: {
      const items = deed.texts.map((text) => ({ text }));
      const { results } = await handle.rememberMany(items, { atomic: deed.kind === 'all' });
      return results.map((each) => (each.ok ? each : { id: '', revision: 0, outcome: each.error.code }));
    }
  }
}

async function write(): Promise<void> {
  const deed = nextDeed();
  tell({ say: 'intent', ...deed });
  try {
    const answers = await ask(deed);
    tell({ say: 'ack', n: deed.n, answers });
    if (deed.kind === 'remember' && answers[0] !== undefined) forgettable.push(answers[0].id);
  } catch (error) {
    tell({ say: 'failed', n: deed.n, error: String(error) });
  }
}

async function recall(): Promise<void> {
  const started = performance.now();
  try {
    await handle.recall(`${random.pick(words)} ${random.pick(words)}`, { topK: 5 });
    tell({ say: 'recalled', ms: performance.now() - started });
  } catch (error) {
    tell({ say: 'failed', n: -1, error: String(error) });
  }
}

// At its pace, whether the ones before were answered or not: while nobody holds the folder they queue up.
while (!isStopped) {
  for (const work of [write(), recall()]) {
    running.add(work);
    void work.then(() => running.delete(work));
  }
  await pause(1_000 / perSecond);
}
await Promise.all(running);
await store.close();
tell({ say: 'stopped' });
process.stdin.destroy();
