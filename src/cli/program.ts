import { suggestionFor } from '../domain/suggestion';
import type { Command } from './cli-command';
import { backupCommand } from './commands/backup-command';
import { clusterInspectCommand } from './commands/cluster-inspect-command';
import { clusterLeaveCommand } from './commands/cluster-leave-command';
import { clusterRecoverCommand } from './commands/cluster-recover-command';
import { clusterStatusCommand } from './commands/cluster-status-command';
import { conflictsCommand, duplicatesCommand } from './commands/comparison-commands';
import { consolidateCommand } from './commands/consolidate-command';
import { eraseCommand, receiptsCommand, verifyReceiptCommand } from './commands/erase-commands';
import { exportCommand } from './commands/export-command';
import { exportSubjectCommand } from './commands/export-subject-command';
import { forgetCommand } from './commands/forget-command';
import { getCommand } from './commands/get-command';
import { holdCommand } from './commands/hold-command';
import { importCommand } from './commands/import-command';
import { lifecycleRunCommand, lifecycleStatusCommand } from './commands/lifecycle-commands';
import { listCommand } from './commands/list-command';
import { mcpCommand } from './commands/mcp-command';
import { purgeCommand } from './commands/purge-command';
import { recallCommand } from './commands/recall-command';
import { restoreCommand } from './commands/restore-command';
import { rulesCommand } from './commands/rules-command';
import { snapshotCommand } from './commands/snapshot-command';
import { snapshotsCommand } from './commands/snapshots-command';
import { statsCommand } from './commands/stats-command';
import {
  trustAnomaliesCommand,
  trustContainCommand,
  trustEndorseCommand,
  trustExplainCommand,
  trustListCommand,
  trustReleaseCommand,
  trustRevertCommand,
} from './commands/trust-commands';
import { verifyCommand } from './commands/verify-command';
import { commandHelp, programHelp } from './help';
import { errorLines } from './output';
import { parseCommandLine, UsageError } from './parse-command-line';
import { type ExitCode, exitCodes, type Terminal } from './terminal';

const commands: Readonly<Record<string, Command>> = {
  stats: statsCommand,
  list: listCommand,
  get: getCommand,
  recall: recallCommand,
  duplicates: duplicatesCommand,
  conflicts: conflictsCommand,
  export: exportCommand,
  'export-subject': exportSubjectCommand,
  import: importCommand,
  forget: forgetCommand,
  consolidate: consolidateCommand,
  verify: verifyCommand,
  backup: backupCommand,
  snapshot: snapshotCommand,
  snapshots: snapshotsCommand,
  restore: restoreCommand,
  purge: purgeCommand,
  hold: holdCommand,
  erase: eraseCommand,
  receipts: receiptsCommand,
  'verify-receipt': verifyReceiptCommand,
  rules: rulesCommand,
  'lifecycle run': lifecycleRunCommand,
  'lifecycle status': lifecycleStatusCommand,
  mcp: mcpCommand,
  'trust list': trustListCommand,
  'trust anomalies': trustAnomaliesCommand,
  'trust contain': trustContainCommand,
  'trust release': trustReleaseCommand,
  'trust revert': trustRevertCommand,
  'trust endorse': trustEndorseCommand,
  'trust explain': trustExplainCommand,
  'cluster status': clusterStatusCommand,
  'cluster inspect': clusterInspectCommand,
  'cluster leave': clusterLeaveCommand,
  'cluster recover': clusterRecoverCommand,
};

/** Runs one command line, which is given without the name of the program. Never rejects. */
export async function runProgram(words: readonly string[], terminal: Terminal, version: string): Promise<ExitCode> {
  const [name = '--help', ...rest] = joined(
    words[0] === 'help' && words.length > 1 ? [...words.slice(1), '--help'] : words,
  );
  if (['--help', '-h', 'help'].includes(name)) {
    await terminal.print(programHelp(commands, version));
    return words.length === 0 ? exitCodes.usage : exitCodes.success;
  }
  if (name === '--version') {
    await terminal.print(version);
    return exitCodes.success;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return runCommand(name, command, rest, terminal);
  const suggested = suggestionFor(name, Object.keys(commands));
  const question = suggested === undefined ? '' : ` Did you mean ${suggested}?`;
  terminal.printError(`Unknown command ${name}.${question} Run "multi-agent-memory --help" for all commands.`);
  return exitCodes.usage;
}

/** Joins the first two words if a command has such a name. */
function joined(words: readonly string[]): readonly string[] {
  const [first = '', second = '', ...rest] = words;
  // An unknown word after the first one is suggested the name that is meant.
  const isPair = Object.keys(commands).some((name) => name.startsWith(`${first} `)) && second !== '';
  return isPair ? [`${first} ${second}`, ...rest] : words;
}

async function runCommand(
  name: string,
  command: Command,
  words: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  try {
    const line = parseCommandLine(command, words);
    if (!line.flag('help')) return await command.run(line, terminal);
    await terminal.print(commandHelp(name, command));
    return exitCodes.success;
  } catch (error) {
    if (error instanceof UsageError) {
      for (const problem of error.problems) terminal.printError(problem);
      terminal.printError(`Run "multi-agent-memory ${name} --help" for its options and examples.`);
      await command.reportFailure?.(words, error.problems, terminal);
      return exitCodes.usage;
    }
    if (terminal.signal.aborted) terminal.printError((terminal.signal.reason as Error).message);
    else {
      const lines = await errorLines(error);
      for (const line of lines) terminal.printError(line);
      await command.reportFailure?.(words, lines, terminal);
    }
    return exitCodes.failure;
  }
}
