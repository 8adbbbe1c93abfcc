import type { Command } from '../cli-command';
import { readStore } from '../command-store';
import { progressPrinter } from '../output';
import { exitCodes } from '../terminal';

/** `backup`: copies a store. */
export const backupCommand: Command = {
  summary: 'Copies the store into an empty folder. Other processes can read and write at the same time.',
  usage: 'FOLDER TARGET',
  argumentCount: [2, 2],
  options: {},
  examples: [['backup ./memory ./memory-2026-11-22', 'a copy that every command can open']],
  run: (line, terminal) =>
    readStore(line, terminal, async (store) => {
      const { signal } = terminal;
      await store.backup(line.file(1), { signal, onProgress: progressPrinter(terminal) });
      return exitCodes.success;
    }),
};
