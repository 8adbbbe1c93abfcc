import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewMemory } from 'multi-agent-memory';
import { memoryOf, type Ticket } from './shared/corpus';
import type { Question, Setting } from './shared/question';
import { type Row, row } from './shared/row';
import { runScript } from './shared/script';
import { openStore } from './shared/store';
import { Vectors } from './shared/vectors';

const memoriesPerCustomer = 200;
const textLetters = 200;
const memoriesPerCall = 10_000;

/** The measurements of a process that opens the store and searches it. */
export interface LargeStore {
  readonly openMs: number;
  readonly answerMs: number;
  /** Megabytes of resident memory after the first answer, and after all searches. */
  readonly openedMb: number;
  readonly searchedMb: number;
  /** The 95th percentile in milliseconds, for each kind of search. */
  readonly searches: readonly { readonly name: string; readonly p95: number; readonly goal: number }[];
}

/** A store of ten times as many memories as the other questions have, with shorter texts. It takes some ten minutes. */
export const million: Question = {
  name: 'million',
  asks: 'With a million memories: how long do opening and searches of all, of a team and of one customer take, and how much memory?',
  async run(setting) {
    const memories = 10 * setting.memories;
    const folder = join(setting.folder, 'million');
    const load = await loadLarge(folder, memories);
    const measured = await runScript<LargeStore>(new URL('million-process.ts', import.meta.url), [folder, memories]);
    return rowsOf(setting, load, measured);
  },
};

/** The memory with a number, and the customer that it belongs to. */
export function largeMemoryOf(vectors: Vectors, memories: number, ticket: number): NewMemory<Ticket> {
  const { text, userId: _, ...memory } = memoryOf(vectors, ticket);
  return { ...memory, text: text.slice(0, textLetters), userId: customerOf(memories, ticket) };
}

/** The customer of a memory. Each has 200 memories. */
export function customerOf(memories: number, ticket: number): string {
  return `customer-${ticket % Math.max(1, Math.round(memories / memoriesPerCustomer))}`;
}

/** Fills a store with memories of 200 letters, and closes it. */
export async function loadLarge(folder: string, memories: number): Promise<{ importMs: number; settleMs: number }> {
  await mkdir(folder, { recursive: true });
  const vectors = new Vectors(memories);
  const store = await openStore(folder);
  const importer = store.as({ serviceId: 'import' });
  let importMs = 0;
  for (let from = 0; from < memories; from += memoriesPerCall) {
    const count = Math.min(memoriesPerCall, memories - from);
    const batch = Array.from({ length: count }, (_, i) => largeMemoryOf(vectors, memories, from + i));
    const start = performance.now();
    await importer.rememberMany(batch);
    importMs += performance.now() - start;
  }
  const settling = performance.now();
  await store.settled();
  const settleMs = performance.now() - settling;
  await store.close();
  return { importMs, settleMs };
}

function rowsOf(setting: Setting, load: { importMs: number; settleMs: number }, measured: LargeStore): Row[] {
  const { openMs, answerMs, openedMb, searchedMb, searches } = measured;
  const perSecond = (10 * setting.memories) / (load.importMs / 1_000);
  return [
    row({ name: 'million, import', value: perSecond, unit: 'memories/s' }),
    row({ name: 'million, index after import', value: load.settleMs / 1_000, unit: 's' }),
    row({ name: 'million, open', value: openMs, unit: 'ms', goal: { atMost: 3_000 } }),
    row({ name: 'million, open and first answer', value: answerMs, unit: 'ms', goal: { atMost: 5_000 } }),
    row({ name: 'million, memory after the first answer', value: openedMb, unit: 'MB', goal: { atMost: 1_000 } }),
    row({ name: 'million, memory after searches', value: searchedMb, unit: 'MB', goal: { atMost: 1_500 } }),
    ...searches.map(({ name, p95, goal }) =>
      row({ name: `million, ${name}, p95`, value: p95, unit: 'ms', goal: { atMost: goal } }),
    ),
  ];
}
