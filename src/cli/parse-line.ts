import { parseArgs } from 'node:util';
import type { Command, Option } from './command';
import { CommandLine, type Value } from './command-line';
import { principalProblems } from './principal-options';
import { UsageError } from './usage-error';

/** @throws UsageError with everything that is wrong. */
export function parseLine(command: Command, words: readonly string[]): CommandLine {
  const options = { ...command.options, help: { help: '' } } as Readonly<Record<string, Option>>;
  const { values, positionals, tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { value, many }]) => [
        name,
        { type: value === undefined ? 'boolean' : 'string', multiple: many === true } as const,
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  if (values.help === true) return new CommandLine(positionals, { help: true });
  const [least, most] = command.takes;
  const problems = tokens.flatMap((token) => (token.kind === 'option' ? optionProblems(token, options) : []));
  if (positionals.length < least || positionals.length > most) problems.push(`It takes: ${command.usage}.`);
  const given = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const twice = given.filter((name, i) => given.indexOf(name) !== i && options[name]?.many !== true);
  problems.push(...twice.map((name) => `--${name} is given more than once.`));
  const line = new CommandLine(positionals, values as Record<string, Value>);
  problems.push(...principalProblems(line), ...(command.problems?.(line) ?? []));
  if (problems.length > 0) throw new UsageError(...new Set(problems));
  return line;
}

type OptionToken = {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
};

function optionProblems(
  { name, rawName, value, inlineValue }: OptionToken,
  options: Readonly<Record<string, Option>>,
): string[] {
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined || rawName !== `--${name}`) return [`There is no option ${rawName}.`];
  if (option.value === undefined && value !== undefined) return [`--${name} takes no value.`];
  // What looks like the next option is no value that was left out. A value that begins so stands behind a `=`.
  const isMissing = !value || (inlineValue === false && value.startsWith('--'));
  if (option.value !== undefined && isMissing) {
    return [`--${name} takes ${option.value}: --${name}=${option.value}.`];
  }
  const taken = value === undefined ? undefined : option.check?.(value);
  return taken === undefined ? [] : [`--${name} takes ${taken}, not ${JSON.stringify(value)}.`];
}
