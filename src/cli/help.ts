import type { Command, Option } from './command';

/** What the program can do. */
export function programHelp(commands: Readonly<Record<string, Command>>, version: string): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return [
    `multi-agent-memory ${version}: look into a store of agents' memories, and change it, from a shell.`,
    '',
    'Usage: multi-agent-memory COMMAND FOLDER [OPTIONS]',
    '',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'multi-agent-memory COMMAND --help shows the options of a command, with examples.',
    'Memories come and go as JSON Lines, on standard output and input; progress and problems are told on standard error.',
    'Exit codes: 0 done, 1 refused, failed, or something is wrong with the store, 2 the command line makes no sense,',
    '128 and its number more after a signal: 130 interrupted, 143 terminated, 141 nobody reads the output.',
    'What only reads runs beside an application that has the folder open. What writes does so through that application where',
    'it was opened with serve: true, and says STORE_HELD where it was not.',
    'What begins with a dash and is no option comes after --: recall ./memory -- "-5 degrees".',
  ].join('\n');
}

/** What one command can do. */
export function commandHelp(name: string, command: Command): string {
  const lines = Object.entries(command.options).map(([option, each]) => [flagOf(option, each), each.help] as const);
  const width = Math.max(...lines.map(([flag]) => flag.length), '--help'.length);
  return [
    `multi-agent-memory ${name} ${command.usage} [OPTIONS]`,
    '',
    command.summary,
    '',
    ...lines.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`),
    `  ${'--help'.padEnd(width)}  this`,
    '',
    ...command.examples.flatMap(([line, does]) => [`  # ${does}`, `  multi-agent-memory ${line}`]),
  ].join('\n');
}

function flagOf(name: string, { value, many }: Option): string {
  return value === undefined ? `--${name}` : `--${name}=${value}${many === true ? ' ...' : ''}`;
}
