import { join } from 'node:path';
import { invalidInput, MemoryError } from '../../domain/errors';
import type { Environment } from '../../environment/environment';
import type { SharedLog, SharedLogConnection, SharedLogLink } from '../../log/shared-log';
import { noMembers } from '../../raft/core/configuration';
import { systemTiming } from '../../raft/node/host-timing';
import type { StateStore } from '../../state/state-store';
import { storeKeyOf } from '../../state/tables/store-key';
import { sharedLogFolder } from './file-names';
import { keepStoreKeyOf } from './open-files';
import type { OpenedNode } from './peer';
import { keepMarkIn, markIn, nextIncarnation } from './shared-log-identity';

export interface SharedLogFolderDeps {
  /** The folder of the store. */
  readonly folder: string;
  readonly trustFolder: boolean;
  readonly log: SharedLog;
  readonly environment: Environment;
  readonly state: StateStore;
}

/**
 * Opens the node of a store whose log is kept outside of the process. An empty store becomes one of those on the log: it takes over the secret that
 * they share, and applies everything from the first entry on.
 *
 * @throws INVALID_INPUT if the store has memories of its own; CLUSTER_MISMATCH if it belongs to another log, or the log begins later than at its
 * first entry; NO_QUORUM
 */
export async function openSharedLog(deps: SharedLogFolderDeps): Promise<OpenedNode> {
  const { folder, trustFolder, log, environment, state } = deps;
  assertFollows(state);
  const path = join(folder, sharedLogFolder);
  const randomBytes = (length: number) => environment.randomBytes(length);
  const incarnation = nextIncarnation({ folder: path, trustFolder, randomBytes });
  const timing = systemTiming();
  const connection = await log.connect({ incarnation, timing, randomBytes });
  let link: SharedLogLink;
  try {
    if (state.membership === undefined) begin(state, connection);
    link = connection.link({
      cluster: clusterOf(state, connection),
      applied: state.logPosition().index,
      membership: state.membership ?? { index: 0, configuration: noMembers, addresses: {} },
      mark: markIn(path),
      keepMark: (mark) => keepMarkIn(path, mark),
    });
  } catch (error) {
    await connection.close();
    throw error;
  }
  // The log is the durable part: what the database loses when the power fails is applied again.
  state.database.pragma('synchronous = NORMAL');
  return {
    link,
    cluster: clusterOf(state, connection),
    incarnation,
    timing,
    waitMs: log.waitMs,
    maxClockSkewMs: log.maxClockSkewMs,
    hasLeader: false,
    install: async () => {
      throw new TypeError('No snapshot comes with this log.');
    },
  };
}

/** @throws INVALID_INPUT, CLUSTER_MISMATCH */
function assertFollows({ membership, lastChangeSeq, policy }: StateStore): void {
  if (membership !== undefined) {
    if (membership.configuration.voters.length === 0) return;
    const message = `The store belongs to the cluster ${membership.cluster}, whose nodes keep the log themselves. Open it with the option \`cluster\`.`;
    throw new MemoryError('CLUSTER_MISMATCH', message);
  }
  if (lastChangeSeq === 0 && policy.version === 0) return;
  const message =
    'the folder has memories or rules of its own, which the other stores on the log would lack. Begin with an empty folder, and import the memories.';
  throw invalidInput([{ path: ['log'], message }], 'options');
}

/** Makes an empty store one of those on the log. Each step can follow after a crash. */
function begin(state: StateStore, { founding: { cluster, storeKey } }: SharedLogConnection): void {
  if (storeKey === undefined) {
    const message = `The log ${cluster} does not hold its first entry any more, so that a new store cannot begin with it.`;
    throw new MemoryError('CLUSTER_MISMATCH', message);
  }
  const own = storeKeyOf(state);
  if (own === undefined) keepStoreKeyOf(state, storeKey);
  else if (Buffer.compare(own, storeKey) !== 0) {
    const message = 'the folder has been used for a store of its own. Begin with an empty folder.';
    throw invalidInput([{ path: ['log'], message }], 'options');
  }
  state.foundCluster({ cluster, configuration: noMembers, addresses: {} });
}

/** @throws CLUSTER_MISMATCH */
function clusterOf({ membership }: StateStore, { founding: { cluster } }: SharedLogConnection): string {
  if (membership?.cluster === cluster) return cluster;
  const message = `The stream holds the log ${cluster}, and this store belongs to the log ${membership?.cluster}. The stream was deleted and made again, or the folder belongs to another stream.`;
  throw new MemoryError('CLUSTER_MISMATCH', message);
}
