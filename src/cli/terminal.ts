/** What a command may do to the world: its streams, and whether it should end. */
export interface Terminal {
  /** Writes one line to standard output, and waits while its reader is slow. */
  print(line: string): Promise<void>;
  /** Writes one line to standard error. */
  tell(line: string): void;
  /** Standard input, in pieces of any size. */
  readonly input: AsyncIterable<Uint8Array | string>;
  /** Aborted when the user wants an end. */
  readonly signal: AbortSignal;
}

/** How a command ended, as its exit code. */
export type ExitCode = 0 | 1 | 2;

/** Everything was done. */
export const done: ExitCode = 0;
/** The store refused or failed, or something is wrong with it. */
export const failed: ExitCode = 1;
/** The command line makes no sense. */
export const misused: ExitCode = 2;
