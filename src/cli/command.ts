import type { CommandLine } from './command-line';
import type { ExitCode, Terminal } from './terminal';

/** An option of a command, as `--help` shows it. */
export interface Option {
  /** Names its value; absent for a flag. */
  readonly value?: string;
  /** It may be given several times. */
  readonly many?: true;
  readonly help: string;
}

/** One command of the program. */
export interface Command {
  /** In one line. */
  readonly summary: string;
  /** What comes after the command's name. */
  readonly usage: string;
  /** How many arguments it takes. */
  readonly takes: readonly [least: number, most: number];
  readonly options: Readonly<Record<string, Option>>;
  /** Command lines that work, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  run(line: CommandLine, terminal: Terminal): Promise<ExitCode>;
}
