import { parseArgs } from 'node:util';
import { suggestionFor } from '../domain/suggestion';
import type { Command, CommandOption } from './cli-command';
import { CommandLine, type OptionValue } from './command-line';
import { principalProblems } from './principal-options';

/** An invalid command line. */
export class UsageError extends Error {
  /** All problems of the command line. Each is a sentence. */
  readonly problems: readonly string[];

  constructor(...problems: string[]) {
    super(problems.join(' '));
    this.name = 'UsageError';
    this.problems = problems;
  }
}

/**
 * Parses and checks the words of a command line.
 *
 * @throws UsageError with every problem at once
 */
export function parseCommandLine(command: Command, words: readonly string[]): CommandLine {
  const options = { ...command.options, help: { help: '' } } as Readonly<Record<string, CommandOption>>;
  const { values, positionals, tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { valueName, repeatable }]) => [
        name,
        { type: valueName === undefined ? 'boolean' : 'string', multiple: repeatable === true } as const,
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  if (values.help === true) return new CommandLine(positionals, { help: true });
  const optionTokens = tokens.filter((token) => token.kind === 'option');
  const line = new CommandLine(positionals, values as Record<string, OptionValue>);
  const problems = [
    ...optionTokens.flatMap((token) => optionProblems(token, options)),
    ...argumentProblems(command, positionals.length),
    ...repeatProblems(
      optionTokens.map(({ name }) => name),
      options,
    ),
    ...principalProblems(line),
    ...(command.usageProblems?.(line) ?? []),
  ];
  if (problems.length > 0) throw new UsageError(...new Set(problems));
  return line;
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function optionProblems(
  { name, rawName, value, inlineValue }: OptionToken,
  options: Readonly<Record<string, CommandOption>>,
): string[] {
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined || rawName !== `--${name}`) {
    const suggested = suggestionFor(name, Object.keys(options));
    return [`Unknown option ${rawName}.${suggested === undefined ? '' : ` Did you mean --${suggested}?`}`];
  }
  const { valueName, check } = option;
  if (valueName === undefined) return value === undefined ? [] : [`--${name} takes no value. Write only --${name}.`];
  // A word that looks like an option is read as the next option, not as the value of this one. A value that starts with -- needs
  // `=`.
  if (!value || (inlineValue === false && value.startsWith('--')))
    return [`--${name} requires a value: --${name}=${valueName}.`];
  const expected = check?.(value);
  return expected === undefined ? [] : [`Invalid --${name}: expected ${expected}, got ${JSON.stringify(value)}.`];
}

function argumentProblems({ usage, argumentCount: [min, max] }: Command, count: number): string[] {
  if (count >= min && count <= max) return [];
  return [`Invalid arguments: expected ${usage}, got ${count} ${count === 1 ? 'argument' : 'arguments'}.`];
}

function repeatProblems(names: readonly string[], options: Readonly<Record<string, CommandOption>>): string[] {
  const repeated = names.filter((name, i) => names.indexOf(name) !== i && options[name]?.repeatable !== true);
  return repeated.map((name) => `--${name} may be given only once.`);
}
