import { defined } from '../../domain/defined';
import type { Command } from '../cli-command';
import { readStore } from '../command-store';
import { integer } from '../option-checks';
import { progressPrinter } from '../output';
import { keyOf, keyOptions } from '../snapshot-key';
import { exitCodes } from '../terminal';

/** `snapshot`: copies a store into one file. */
export const snapshotCommand: Command = {
  summary:
    'Copies the store into one file with a checksum, in a folder for snapshots. Other processes can read and write meanwhile.',
  usage: 'FOLDER TARGET',
  argumentCount: [2, 2],
  options: {
    ...keyOptions,
    keep: {
      valueName: 'N',
      help: 'then delete all snapshots of this store in the target but the newest N; default: delete none',
      check: integer(1, 1_000_000),
    },
    'dry-run': { help: 'check the target, the key and the free space, print what would be done, and write nothing' },
  },
  examples: [
    ['snapshot ./memory ./snapshots', 'prints its file, time, last change, size and digest'],
    ['snapshot ./memory ./snapshots --keep=24', 'keeps the newest 24'],
    ['snapshot ./memory ./snapshots --keep=24 --dry-run', 'is there room, and which snapshots would be deleted?'],
  ],
  run: (line, terminal) =>
    readStore(line, terminal, async (store) => {
      const { signal } = terminal;
      const options = { signal, onProgress: progressPrinter(terminal), ...(await keyOf(line)) };
      const given = { ...options, ...defined({ keep: line.number('keep') }), dryRun: line.flag('dry-run') };
      await terminal.print(JSON.stringify(await store.snapshot(line.file(1), given)));
      return exitCodes.success;
    }),
};
