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

/** A question about the performance of the library, with its measurement. */
export interface Question {
  readonly name: string;
  /** The question in one line. */
  readonly asks: string;
  /** Measures. It writes only into the folders of the setting. */
  run(setting: Setting): Promise<readonly Row[] | Skipped>;
}

const fullSize = 100_000;

/** The number of samples: `full` at 100,000 memories, in proportion below that, at least `least`. */
export function samples({ memories }: Pick<Setting, 'memories'>, full: number, least = 8): number {
  return Math.max(least, Math.round(full * Math.min(1, memories / fullSize)));
}
