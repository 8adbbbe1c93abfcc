import type { Edit } from './broken-library';

/** A mistake that somebody might make. */
export interface Mistake {
  readonly name: string;
  readonly edits: readonly Edit[];
}

/** A mistake that is one fragment replaced. */
export function mistake(name: string, file: string, from: string, to: string): Mistake {
  return { name, edits: [{ file, from, to }] };
}
