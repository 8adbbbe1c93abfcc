/** The input and output of a command, and the signal that ends it. */
export interface Terminal {
  /** Writes one line to standard output. Resolves when the reader is ready for more. */
  print(line: string): Promise<void>;
  /** Writes one line to standard error. */
  printError(line: string): void;
  /** Standard input, in pieces of any size. */
  readonly input: AsyncIterable<Uint8Array | string>;
  /** Whether a person types the input. Default: false. */
  readonly isInteractive?: boolean;
  /** Aborted when the user or the system ends the program. */
  readonly signal: AbortSignal;
}

/** The exit codes of commands. */
export const exitCodes = {
  success: 0,
  /** The store rejected the command or failed, or the command found a problem in the store. */
  failure: 1,
  /** The command line is invalid. */
  usage: 2,
} as const;

/** How a command ended. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
