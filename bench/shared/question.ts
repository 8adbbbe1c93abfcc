import type { Row } from './row';

/** What a run of the benchmark gives every question. */
export interface Setting {
  /** Memories in the store: 100,000, fewer in a smoke test. Everything else shrinks with it. */
  readonly memories: number;
  /** Where the stores are that the questions of a run share: each absent until one of them makes it, and never written to again. */
  readonly loaded: string;
  /** An empty folder for whatever else a question makes. */
  readonly folder: string;
  /** Holds `Xenova/all-MiniLM-L6-v2/`. */
  readonly models: string;
  /** Holds `locomo/locomo10.json`. */
  readonly data: string;
}

/** Why a question could not be asked on this machine. */
export interface Skipped {
  readonly skipped: string;
}

/** One question to the library, and how it is measured. */
export interface Question {
  readonly name: string;
  /** What is asked, in a line. */
  readonly asks: string;
  /** Measures. Leaves nothing behind but what is in the setting's folders. */
  run(setting: Setting): Promise<readonly Row[] | Skipped>;
}

const fullSize = 100_000;

/** How many samples to take where `full` are taken at 100,000 memories: in proportion, but not under `least`. */
export function samples({ memories }: Pick<Setting, 'memories'>, full: number, least = 8): number {
  return Math.max(least, Math.round(full * Math.min(1, memories / fullSize)));
}
