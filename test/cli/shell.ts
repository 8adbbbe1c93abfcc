import { runProgram } from '../../src/cli/program';
import type { ExitCode } from '../../src/cli/terminal';

/** The result of a command line. */
export interface CommandResult {
  readonly code: ExitCode;
  /** Lines of standard output. */
  readonly out: readonly string[];
  /** Lines of standard error. */
  readonly errors: readonly string[];
}

/** Runs a command line in this process, with a terminal that keeps the output. */
export async function shell(
  words: readonly string[],
  {
    input = [],
    signal = new AbortController().signal,
  }: { input?: readonly (string | Uint8Array)[]; signal?: AbortSignal } = {},
): Promise<CommandResult> {
  const out: string[] = [];
  const errors: string[] = [];
  const terminal = {
    print: async (line: string) => void out.push(line),
    printError: (line: string) => void errors.push(line),
    input: (async function* () {
      yield* input;
    })(),
    signal,
  };
  return { code: await runProgram(words, terminal, '1.2.3'), out, errors };
}

/** The output lines, parsed as JSON. */
export function values<T = Record<string, unknown>>({ out }: CommandResult): T[] {
  return out.map((line) => JSON.parse(line) as T);
}
