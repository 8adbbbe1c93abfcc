import { defined } from '../../domain/defined';
import type { Command } from '../cli-command';
import { timeText } from '../option-checks';
import { progressPrinter } from '../output';
import { keyOf, keyOptions } from '../snapshot-key';
import { exitCodes } from '../terminal';
import { receiptsIn } from './erase-commands';

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
    erased: {
      valueName: 'FILE',
      help: 'erase again what the snapshot brings back: the receipts of all erasures, as `receipts` prints them',
    },
    'dry-run': { help: 'check every byte of the snapshot, and write nothing' },
  },
  examples: [
    ['restore ./snapshots ./restored', 'the newest snapshot in a folder'],
    ['restore ./snapshots ./restored-2 --dry-run', 'would the newest one be restored?'],
  ],
  run: async (line, terminal) => {
    const { MemoryStore, restoreSnapshot } = await import('../../index');
    const { signal } = terminal;
    const options = { signal, onProgress: progressPrinter(terminal), dryRun: line.flag('dry-run') };
    const erased = line.path('erased');
    const receipts = erased === undefined ? undefined : await receiptsIn(erased);
    const given = { ...options, ...(await keyOf(line)), ...defined({ at: line.text('at') }) };
    const snapshot = await restoreSnapshot(line.file(0), line.file(1), given);
    if (receipts !== undefined && !options.dryRun)
      await (await MemoryStore.open(line.file(1), { erased: receipts, signal })).close();
    await terminal.print(JSON.stringify(snapshot));
    return exitCodes.success;
  },
};
