import type { CommandLine } from './command-line';
import type { Check } from './option-checks';
import type { ExitCode, Terminal } from './terminal';

/** An option of a command, as `--help` shows it. */
export interface Option {
  /** Names its value; absent for a flag. */
  readonly value?: string;
  /** It may be given several times. */
  readonly many?: true;
  readonly help: string;
  /** What is wrong with its value. */
  readonly check?: Check;
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
  /** What is wrong with a line whose options are right one by one, a sentence each. */
  problems?(line: CommandLine): readonly string[];
  run(line: CommandLine, terminal: Terminal): Promise<ExitCode>;
}
