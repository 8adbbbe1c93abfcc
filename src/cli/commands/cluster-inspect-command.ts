import type { Command } from '../cli-command';
import { exitCodes } from '../terminal';

/** `cluster inspect`: describes the log of a node from its files. */
export const clusterInspectCommand: Command = {
  summary: 'Describes and checks the log of a node from its files, without changing any of them.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {},
  examples: [['cluster inspect ./memory', 'one JSON object; exit code 1 if the node could not start from these files']],
  run: async (line, { print, printError }) => {
    const { inspectCluster } = await import('../../index');
    const report = await inspectCluster(line.folder);
    await print(JSON.stringify(report));
    for (const { message } of report.problems) printError(message);
    return report.problems.some(({ stopsNode }) => stopsNode) ? exitCodes.failure : exitCodes.success;
  },
};
