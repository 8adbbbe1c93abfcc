import type { ConnectedStore } from '../../index';
import type { Command } from '../cli-command';
import { exitCodes } from '../terminal';

// A process that serves its folder answers at once.
const waitMs = 500;

/** `cluster status`: prints the state of the cluster, as the node of this machine knows it. */
export const clusterStatusCommand: Command = {
  summary:
    'Prints the leader and the members of the cluster, as the process that serves the folder knows them. If none serves it, prints what its files say.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {},
  examples: [['cluster status ./memory', 'one JSON object; exit code 1 if no leader is known']],
  run: async (line, { print, printError, signal }) => {
    const { inspectCluster, MemoryError, MemoryStore } = await import('../../index');
    let store: ConnectedStore;
    try {
      store = await MemoryStore.connect(line.folder, { waitMs, signal });
    } catch (error) {
      if (!MemoryError.is(error) || error.code !== 'STORE_UNREACHABLE') throw error;
      const report = await inspectCluster(line.folder);
      // It is the folder of no node, and only the process that serves it could say more.
      if (report.identity === undefined) throw error;
      await print(JSON.stringify({ served: false, ...report }));
      printError(error.message);
      for (const { message } of report.problems) printError(message);
      return exitCodes.failure;
    }
    await using connected = store;
    const status = await connected.cluster.status();
    await print(JSON.stringify(status));
    // Where servers keep the log, no store has a vote, and none leads.
    const needsLeader = status.members.some(({ role }) => role === 'voter');
    return needsLeader && status.leader === undefined ? exitCodes.failure : exitCodes.success;
  },
};
