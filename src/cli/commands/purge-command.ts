import type { Command } from '../cli-command';
import { trustOptions, writeStore } from '../command-store';
import { progressPrinter } from '../output';
import { exitCodes } from '../terminal';

/** `purge`: removes from disk what was forgotten. */
export const purgeCommand: Command = {
  summary: 'Removes from disk, now, what was forgotten: writes the database and the vector indexes again.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: { 'dry-run': { help: 'print how many bytes would be written again, and change nothing' }, ...trustOptions },
  examples: [
    ['purge ./memory', 'exit code 1 if something may still contain forgotten memories; the output says what'],
    ['purge ./memory --dry-run', 'how many bytes would be written again'],
  ],
  run: (line, terminal) =>
    writeStore(line, terminal, async (store) => {
      const { signal } = terminal;
      const dryRun = line.flag('dry-run');
      const result = await store.purge({ dryRun, signal, onProgress: progressPrinter(terminal) });
      await terminal.print(JSON.stringify(result));
      return result.pending.length === 0 || dryRun ? exitCodes.success : exitCodes.failure;
    }),
};
