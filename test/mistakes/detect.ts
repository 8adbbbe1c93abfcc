import { setTimeout } from 'node:timers/promises';
import { runRaces } from '../races/races';
import type { Library } from '../worlds/library';
import { comparePairs } from '../worlds/worlds';
import { compareGrid, compareHits } from './grid';
import { keepPromises } from './promises';

/** What noticed a mistake, and in which words. */
export interface Notice {
  readonly by: string;
  readonly message: string;
}

/** A library as somebody might ship it. */
export interface Shipped {
  readonly library: Library;
  /** The same with no compiled filter, so that the check on the way out stands alone. Absent where that makes no sense. */
  unfiltered?(): Promise<Library>;
}

interface Detector {
  readonly by: string;
  /** Throws where something is wrong. */
  run(shipped: Shipped, seed: number): Promise<void>;
}

const pairs = 25;
const interleavings = 120;

/** The cheapest first. */
const detectors: readonly Detector[] = [
  { by: 'promises', run: ({ library }) => keepPromises(library) },
  { by: 'every path against the reference', run: ({ library }) => compareGrid(library) },
  {
    by: 'the check on the way out by itself',
    run: async ({ unfiltered }) => {
      if (unfiltered !== undefined) await compareHits(await unfiltered());
    },
  },
  { by: 'races', run: ({ library }, seed) => runRaces(library, { interleavings, seed, inFolders: false }) },
  { by: 'two worlds', run: ({ library }, seed) => comparePairs(library, { pairs, seed, shrink: false }) },
];

/** Everything that is noticed about a library; the first notice alone where that is enough. */
export async function detect(shipped: Shipped, { seed, first }: { seed: number; first: boolean }): Promise<Notice[]> {
  const notices: Notice[] = [];
  for (const { by, run } of detectors) {
    const error = await inTime(run(shipped, seed)).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) continue;
    assertRuns(error);
    notices.push({ by, message: wordsOf(error) });
    if (first) return notices;
  }
  return notices;
}

// What waits for a change that a mistake keeps away would wait for ever. A busy machine must not look like that.
const longestMs = 300_000;

async function inTime(run: Promise<void>): Promise<void> {
  const end = new AbortController();
  const late = setTimeout(longestMs, undefined, { signal: end.signal }).then(() => {
    throw new Error('something that should come never came');
  });
  await Promise.race([run, late]).finally(() => end.abort());
}

/** A library that does not even run would be noticed by anybody: that is no mistake worth planting. */
const notNotices = new Set([
  'FragmentMissing',
  'TypeError',
  'ReferenceError',
  'SyntaxError',
  'SqliteError',
  'RangeError',
]);

function assertRuns(error: unknown): void {
  for (let each = error; each instanceof Error; each = each.cause as Error) {
    if (notNotices.has(each.name)) throw each;
  }
}

function wordsOf(error: unknown): string {
  const { message, cause } = error as Error;
  // What a property that failed has to say stands in its cause.
  const own = message.startsWith('Property failed') && cause instanceof Error ? cause.message : message;
  return own.replaceAll(/\s+/g, ' ').slice(0, 240);
}
