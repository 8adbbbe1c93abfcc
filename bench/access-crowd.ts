import type { MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { questionOf, type Ticket } from './shared/corpus';
import { CrowdRules } from './shared/crowd-rules';
import { median } from './shared/figures';
import { type Question, type Setting, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { scopedMemoryOf } from './shared/scopes';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const modes = ['hybrid', 'semantic'] as const;
const kinds = ['staff', 'others'] as const;
const goal = { ratioAtMost: 1.15 };

type Handle = MemoryHandle<Ticket>;

/** What rules cost those that they bind, beside the handle that none binds. */
export const accessCrowd: Question = {
  name: 'access-crowd',
  asks: 'With 1,000 principals, 10,000 rules and 5,000 scopes: what do recall and remember cost, beside the handle of the administrator?',
  async run(setting) {
    const rules = new CrowdRules(samples(setting, 1_000, 20));
    const store = await openStore(await copyOfLoaded(setting, 'scopes'), { access: rules.declarations });
    await store.settled();
    const rows: Row[] = [];
    for (const kind of kinds) {
      const handles = Array.from({ length: rules.principals / 2 }, (_, i) => rules.handle(store, kind, i));
      const share = await visibleShare(store, handles.slice(0, 50));
      for (const mode of modes) rows.push(await recalls(setting, store, { handles, mode, kind, share }));
      if (kind === 'staff') rows.push(await remembers(setting, store, handles));
    }
    await store.close();
    return rows;
  },
};

/** What is seen, in the middle. */
async function visibleShare(store: MemoryStore<Ticket>, handles: readonly Handle[]): Promise<number> {
  const counts: number[] = [];
  for (const handle of handles) counts.push(await handle.count());
  return median(counts) / (await store.admin.count());
}

interface Asking {
  readonly handles: readonly Handle[];
  readonly mode: (typeof modes)[number];
  readonly kind: (typeof kinds)[number];
  readonly share: number;
}

/** Another principal for each question, each of whom has asked before. */
async function recalls(setting: Setting, store: MemoryStore<Ticket>, { handles, mode, kind, share }: Asking) {
  const vectors = new Vectors(setting.memories);
  const ask = async (handle: Handle | undefined, { words, vector }: ReturnType<typeof questionOf>) =>
    void (await handle?.recall(words, { mode, vector }));
  const [theirs, ours]: [number[], number[]] = [[], []];
  for (const [i, handle] of handles.entries()) await ask(handle, questionOf(vectors, i));
  await calm();
  for (let i = 0; i < samples(setting, 400); i++) {
    const question = questionOf(vectors, i);
    // The words of the question are known to both.
    await ask(handles[(i + 1) % handles.length], question);
    await interleaved(
      i,
      async () => void ours.push(await milliseconds(() => ask(handles[i % handles.length], question))),
      async () => void theirs.push(await milliseconds(() => ask(store.admin, question))),
    );
  }
  const name = `access-crowd, ${mode}, ${(share * 100).toFixed(1)} % visible`;
  const figures = { name, value: median(ours), baseline: median(theirs), unit: 'ms' };
  // Where less is seen there is less to do, or an exact search in place of the index: that ratio says nothing of rules.
  return row(kind === 'staff' ? { ...figures, goal } : figures);
}

async function remembers(setting: Setting, store: MemoryStore<Ticket>, handles: readonly Handle[]): Promise<Row> {
  const vectors = new Vectors(setting.memories);
  const [theirs, ours]: [number[], number[]] = [[], []];
  let ticket = setting.memories;
  const one = async (handle: Handle) => {
    const { text, ...options } = scopedMemoryOf(vectors, ticket++);
    return milliseconds(() => handle.remember(text, options));
  };
  // Each is known as an author then, and the log is overwritten instead of growing.
  for (const handle of handles) await one(handle);
  await calm();
  for (let i = 0; i < samples(setting, 1_500); i++) {
    await interleaved(
      i,
      async () => void ours.push(await one(handles[i % handles.length] as Handle)),
      async () => void theirs.push(await one(store.admin)),
    );
  }
  return row({ name: 'access-crowd, remember', value: median(ours), baseline: median(theirs), unit: 'ms', goal });
}
