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

/** The cost of rules: calls of principals with rules against calls of the administrator, to which no rule applies. */
export const accessCrowd: Question = {
  name: 'access-crowd',
  asks: 'With 1,000 principals, 10,000 rules and 5,000 label sets, what do recall and remember cost compared with the administrator?',
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

/** The median share of the memories that a handle can read. */
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

/** Each query comes from another principal. Every principal has made a call before. */
async function recalls(setting: Setting, store: MemoryStore<Ticket>, { handles, mode, kind, share }: Asking) {
  const vectors = new Vectors(setting.memories);
  const ask = async (handle: Handle | undefined, { words, vector }: ReturnType<typeof questionOf>) =>
    void (await handle?.recall(words, { mode, vector }));
  const [theirs, ours]: [number[], number[]] = [[], []];
  for (const [i, handle] of handles.entries()) await ask(handle, questionOf(vectors, i));
  await calm();
  for (let i = 0; i < samples(setting, 400); i++) {
    const question = questionOf(vectors, i);
    // The words of the query are cached for both.
    await ask(handles[(i + 1) % handles.length], question);
    await interleaved(
      i,
      async () => void ours.push(await milliseconds(() => ask(handles[i % handles.length], question))),
      async () => void theirs.push(await milliseconds(() => ask(store.admin, question))),
    );
  }
  const name = `access-crowd, ${mode}, ${(share * 100).toFixed(1)} % visible`;
  const figures = { name, value: median(ours), baseline: median(theirs), unit: 'ms' };
  // No goal for the others: they see fewer memories and may be searched exactly, so the ratio does not show the cost of rules.
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
  // Warm-up: every principal is then a known author, and SQLite overwrites its log in place of extending it.
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
