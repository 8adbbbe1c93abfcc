import type { Command } from '../cli-command';
import { exitCodes } from '../terminal';

// A process that serves its folder answers at once.
const waitMs = 500;

/** `cluster status`: prints the state of the cluster, as the node of this machine knows it. */
export const clusterStatusCommand: Command = {
  summary: 'Prints the leader and the members of the cluster, as the process that serves the folder knows them.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {},
  examples: [['cluster status ./memory', 'one JSON object; exit code 1 if no leader is known']],
  run: async (line, { print, signal }) => {
    const { MemoryStore } = await import('../../index');
    await using store = await MemoryStore.connect(line.folder, { waitMs, signal });
    const status = await store.cluster.status();
    await print(JSON.stringify(status));
    return status.leader === undefined ? exitCodes.failure : exitCodes.success;
  },
};
