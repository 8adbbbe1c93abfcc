import { defined } from '../../domain/defined';
import type { Command } from '../cli-command';
import { timeText } from '../option-checks';
import { progressPrinter } from '../output';
import { keyOf, keyOptions } from '../snapshot-key';
import { exitCodes } from '../terminal';

/** `restore`: makes a store from a snapshot. */
export const restoreCommand: Command = {
  summary: 'Restores a snapshot as a store in an empty folder.',
  usage: 'SNAPSHOT FOLDER',
  argumentCount: [2, 2],
  options: {
    ...keyOptions,
    at: {
      valueName: 'TIME',
      help: 'if SNAPSHOT is a folder: take the newest one that was made at this time or before; default: the newest',
      check: timeText,
    },
    'dry-run': { help: 'check every byte of the snapshot, and write nothing' },
  },
  examples: [
    ['restore ./snapshots ./restored', 'the newest snapshot in a folder'],
    ['restore ./snapshots ./restored-2 --dry-run', 'would the newest one be restored?'],
  ],
  run: async (line, terminal) => {
    const { restoreSnapshot } = await import('../../index');
    const { signal } = terminal;
    const options = { signal, onProgress: progressPrinter(terminal), dryRun: line.flag('dry-run') };
    const given = { ...options, ...(await keyOf(line)), ...defined({ at: line.text('at') }) };
    await terminal.print(JSON.stringify(await restoreSnapshot(line.file(0), line.file(1), given)));
    return exitCodes.success;
  },
};
