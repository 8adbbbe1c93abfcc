import type { Row } from './row';

/** The settings of a run, for every question. */
export interface Setting {
  /** The number of memories in the store: 100,000, or fewer in a smoke test. All other numbers shrink in proportion. */
  readonly memories: number;
  /** The folder of the stores that all questions share. The first question that needs a store makes it; no question changes it afterwards. */
  readonly loaded: string;
  /** An empty folder for the other files of a question. */
  readonly folder: string;
  /** The folder that contains `Xenova/all-MiniLM-L6-v2/`. */
  readonly models: string;
  /** The folder that contains `locomo/locomo10.json`. */
  readonly data: string;
}

/** The reason why a question was skipped. */
export interface Skipped {
  readonly skipped: string;
}

/** Rows of a question that compares with other libraries, some of which this machine cannot run. */
export interface PartlySkipped {
  readonly rows: readonly Row[];
  /** The reason for each library that was skipped. */
  readonly skippedPeers: Readonly<Record<string, string>>;
}

export type Answer = readonly Row[] | Skipped | PartlySkipped;

/** The rows of an answer, and the reasons for what it skipped. */
export function rowsOf(name: string, answer: Answer): { rows: readonly Row[]; skipped: Record<string, string> } {
  if ('skipped' in answer) return { rows: [], skipped: { [name]: answer.skipped } };
  if (!('skippedPeers' in answer)) return { rows: answer, skipped: {} };
  const skipped = Object.entries(answer.skippedPeers).map(([peer, reason]) => [`${name}, ${peer}`, reason]);
  return { rows: answer.rows, skipped: Object.fromEntries(skipped) };
}

/** A question about the performance of the library, with its measurement. */
export interface Question {
  readonly name: string;
  /** The question in one line. */
  readonly asks: string;
  /** Measures. It writes only into the folders of the setting. */
  run(setting: Setting): Promise<Answer>;
}

const fullSize = 100_000;

/** The number of samples: `full` at 100,000 memories, in proportion below that, at least `least`. */
export function samples({ memories }: Pick<Setting, 'memories'>, full: number, least = 8): number {
  return Math.max(least, Math.round(full * Math.min(1, memories / fullSize)));
}
