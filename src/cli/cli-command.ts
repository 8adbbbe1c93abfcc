import type { CommandLine } from './command-line';
import type { OptionCheck } from './option-checks';
import type { ExitCode, Terminal } from './terminal';

/** An option of a command. */
export interface CommandOption {
  /** The name of the value in help texts. Absent for a flag. */
  readonly valueName?: string;
  /** True if the option may be given several times. */
  readonly repeatable?: true;
  /** The effect of the option, as a phrase. */
  readonly help: string;
  readonly check?: OptionCheck;
}

/** One command of the program. */
export interface Command {
  /** The effect of the command, as one sentence. */
  readonly summary: string;
  /** The arguments, as help texts show them. */
  readonly usage: string;
  /** The smallest and the largest number of arguments. */
  readonly argumentCount: readonly [min: number, max: number];
  readonly options: Readonly<Record<string, CommandOption>>;
  /** Valid command lines, each with its effect. */
  readonly examples: readonly (readonly [line: string, effect: string])[];
  /** Returns problems of a command line in which each single option is valid. Each problem is a sentence. */
  usageProblems?(line: CommandLine): readonly string[];
  /** Tells a program that started the command why it failed, if it reads something else than standard error. */
  reportFailure?(words: readonly string[], problems: readonly string[], terminal: Terminal): Promise<void>;
  run(line: CommandLine, terminal: Terminal): Promise<ExitCode>;
}
