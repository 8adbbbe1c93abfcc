import type { CommandLine } from './command-line';
import type { OptionCheck } from './option-checks';
import type { ExitCode, Terminal } from './terminal';

/** An option of a command. */
export interface CommandOption {
  /** The name of its value in help texts. Absent for a flag. */
  readonly valueName?: string;
  /** Whether it may be given several times. */
  readonly repeatable?: true;
  /** What it does, in a phrase. */
  readonly help: string;
  readonly check?: OptionCheck;
}

/** One command of the program. */
export interface Command {
  /** What it does, in one sentence. */
  readonly summary: string;
  /** Its arguments, as help texts show them. */
  readonly usage: string;
  /** The smallest and the largest number of arguments. */
  readonly argumentCount: readonly [min: number, max: number];
  readonly options: Readonly<Record<string, CommandOption>>;
  /** Command lines that work, each with what it does. */
  readonly examples: readonly (readonly [line: string, effect: string])[];
  /** Problems of a command line whose options are valid one by one. Each is a sentence. */
  usageProblems?(line: CommandLine): readonly string[];
  run(line: CommandLine, terminal: Terminal): Promise<ExitCode>;
}
