import type { Command } from '../cli-command';
import { exitCodes } from '../terminal';

/** `cluster recover`: makes the folder of a node whose cluster is lost a store of its own. */
export const clusterRecoverCommand: Command = {
  summary:
    'Makes the folder of a node a store of its own, with all of its log, after the majority of its cluster is lost.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {
    'force-new-cluster': {
      help: 'required: what other nodes have acknowledged and this node has not received is lost',
    },
  },
  examples: [['cluster recover ./memory --force-new-cluster', 'then open the folder with bootstrap: true']],
  usageProblems: (line) =>
    line.flag('force-new-cluster')
      ? []
      : [
          'cluster recover needs --force-new-cluster: it gives up the old cluster, and what other nodes have acknowledged and this node has not received is lost.',
        ],
  run: async (line, { print, printError }) => {
    const { recoverCluster } = await import('../../index');
    const recovery = await recoverCluster(line.folder);
    if (recovery === undefined) {
      printError('The store belonged to no cluster. Nothing was changed.');
      return exitCodes.failure;
    }
    await print(JSON.stringify(recovery));
    printError(
      'Writes that other nodes have acknowledged and this node had not received are lost. Open the folder with bootstrap: true to found a new cluster, empty the folders of the other nodes, and let them join.',
    );
    return exitCodes.success;
  },
};
