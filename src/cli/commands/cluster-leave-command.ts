import type { Command } from '../cli-command';
import { exitCodes } from '../terminal';

/** `cluster leave`: makes the folder of a member a store of its own. */
export const clusterLeaveCommand: Command = {
  summary: 'Makes the folder of a member a store of its own, with everything that the member has applied.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {},
  examples: [['cluster leave ./memory', 'the process of the node must have ended']],
  run: async (line, { print, printError }) => {
    const { leaveCluster } = await import('../../index');
    const hasLeft = leaveCluster(line.folder);
    await print(JSON.stringify({ left: hasLeft }));
    if (hasLeft)
      printError(
        'The other members do not know it. Remove this node there with store.cluster.remove, or they count it as a voter that is down.',
      );
    else printError('The store belonged to no cluster. Nothing was changed.');
    return hasLeft ? exitCodes.success : exitCodes.failure;
  },
};
