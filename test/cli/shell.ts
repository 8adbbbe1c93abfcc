import { runProgram } from '../../src/cli/program';
import type { ExitCode } from '../../src/cli/terminal';

/** What a command line did. */
export interface Ran {
  readonly code: ExitCode;
  /** Lines of standard output. */
  readonly out: readonly string[];
  /** Lines of standard error. */
  readonly told: readonly string[];
}

/** Runs a command line with a terminal of the test. */
export async function shell(
  words: readonly string[],
  {
    input = [],
    signal = new AbortController().signal,
  }: { input?: readonly (string | Uint8Array)[]; signal?: AbortSignal } = {},
): Promise<Ran> {
  const out: string[] = [];
  const told: string[] = [];
  const terminal = {
    print: async (line: string) => void out.push(line),
    tell: (line: string) => void told.push(line),
    input: (async function* () {
      yield* input;
    })(),
    signal,
  };
  return { code: await runProgram(words, terminal, '1.2.3'), out, told };
}

/** Lines of JSON, as values. */
export function values<T = Record<string, unknown>>({ out }: Ran): T[] {
  return out.map((line) => JSON.parse(line) as T);
}
