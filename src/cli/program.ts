import { distance } from 'fastest-levenshtein';
import type { Command } from './command';
import { backup } from './commands/backup';
import { exportCommand } from './commands/export';
import { forget } from './commands/forget';
import { importCommand } from './commands/import';
import { list } from './commands/list';
import { mcp } from './commands/mcp';
import { recall } from './commands/recall';
import { stats } from './commands/stats';
import { verify } from './commands/verify';
import { commandHelp, programHelp } from './help';
import { parseLine } from './parse-line';
import { done, type ExitCode, failed, misused, type Terminal } from './terminal';
import { toldError } from './told';
import { UsageError } from './usage-error';

const commands: Readonly<Record<string, Command>> = {
  stats,
  list,
  recall,
  export: exportCommand,
  import: importCommand,
  forget,
  verify,
  backup,
  mcp,
};

/** Runs one command line, without the name of the program. Never rejects. */
export async function runProgram(words: readonly string[], terminal: Terminal, version: string): Promise<ExitCode> {
  const [name = '--help', ...rest] = words[0] === 'help' && words.length > 1 ? [...words.slice(1), '--help'] : words;
  if (['--help', '-h', 'help'].includes(name)) {
    await terminal.print(programHelp(commands, version));
    return words.length === 0 ? misused : done;
  }
  if (name === '--version') {
    await terminal.print(version);
    return done;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    terminal.tell(
      `There is no command ${name}: did you mean ${nearest(name)}? multi-agent-memory --help names them all.`,
    );
    return misused;
  }
  return runCommand(name, command, rest, terminal);
}

async function runCommand(
  name: string,
  command: Command,
  words: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  try {
    const line = parseLine(command, words);
    if (!line.has('help')) return await command.run(line, terminal);
    await terminal.print(commandHelp(name, command));
    return done;
  } catch (error) {
    if (error instanceof UsageError) {
      for (const problem of error.problems) terminal.tell(problem);
      terminal.tell(`multi-agent-memory ${name} --help shows what it takes.`);
      return misused;
    }
    if (terminal.signal.aborted) terminal.tell((terminal.signal.reason as Error).message);
    else for (const told of await toldError(error)) terminal.tell(told);
    return failed;
  }
}

function nearest(name: string): string {
  return Object.keys(commands).sort((a, b) => distance(a, name) - distance(b, name))[0] as string;
}
