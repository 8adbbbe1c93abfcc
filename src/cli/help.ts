import type { Command, CommandOption } from './cli-command';

/** Returns the help text of the program. */
export function programHelp(commands: Readonly<Record<string, Command>>, version: string): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return [
    `multi-agent-memory ${version}: read and change a memory store from a shell.`,
    '',
    'Usage: multi-agent-memory COMMAND FOLDER [OPTIONS]',
    '',
    'Commands:',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Run "multi-agent-memory COMMAND --help" for the options and examples of a command.',
    '',
    'Input and output are JSON Lines: one JSON object on each line. Progress and errors go to standard error.',
    'Commands that only read also work while an application has the folder open. Commands that write then go through the',
    'application if it opened the store with serve: true. Otherwise they fail with STORE_HELD.',
    'Put an argument that starts with a dash after --, such as: recall ./memory -- "-5 degrees".',
    '',
    'Exit codes:',
    '  0    success',
    '  1    the command failed or was not allowed, or the store has a problem',
    '  2    the command line is invalid',
    '  130  interrupted (SIGINT)',
    '  141  the reader of the output stopped reading (SIGPIPE)',
    '  143  terminated (SIGTERM)',
  ].join('\n');
}

/** Returns the help text of one command. */
export function commandHelp(name: string, command: Command): string {
  const lines = Object.entries(command.options).map(
    ([option, each]) => [optionUsage(option, each), each.help] as const,
  );
  const width = Math.max(...lines.map(([usage]) => usage.length), '--help'.length);
  return [
    `Usage: multi-agent-memory ${name} ${command.usage} [OPTIONS]`,
    '',
    command.summary,
    '',
    'Options:',
    ...lines.map(([usage, help]) => `  ${usage.padEnd(width)}  ${help}`),
    `  ${'--help'.padEnd(width)}  print this help`,
    '',
    'Examples:',
    ...command.examples.flatMap(([line, effect]) => [`  # ${effect}`, `  multi-agent-memory ${line}`]),
  ].join('\n');
}

function optionUsage(name: string, { valueName, repeatable }: CommandOption): string {
  return valueName === undefined ? `--${name}` : `--${name}=${valueName}${repeatable === true ? ' ...' : ''}`;
}
