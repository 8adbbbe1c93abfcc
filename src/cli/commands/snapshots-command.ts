import type { Command } from '../cli-command';
import { exitCodes } from '../terminal';

/** `snapshots`: lists the snapshots in a folder. */
export const snapshotsCommand: Command = {
  summary: 'Lists the snapshots in a folder, the newest first, with their times, last changes, sizes and digests.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {},
  examples: [['snapshots ./snapshots', 'one line for each; exit code 1 if one is damaged']],
  run: async (line, terminal) => {
    const { listSnapshots } = await import('../../index');
    const { snapshots, damaged } = await listSnapshots(line.folder);
    for (const snapshot of snapshots) await terminal.print(JSON.stringify(snapshot));
    for (const { path, reason } of damaged) terminal.printError(`${path}: ${reason}`);
    return damaged.length === 0 ? exitCodes.success : exitCodes.failure;
  },
};
