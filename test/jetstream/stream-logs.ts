import { MemoryError } from '../../src/domain/errors';
import type { EntryResult, LogEntry } from '../../src/domain/frame';
import type { JetStreamOptions } from '../../src/jetstream/index';
import { jetStream } from '../../src/jetstream/index';
import { RaftLog } from '../../src/log/raft-log';
import type { ReplicatedLog } from '../../src/log/replicated-log';
import { noMembers } from '../../src/raft/core/configuration';
import { systemTiming } from '../../src/raft/node/host-timing';
import type { RecordedState } from '../log/recorded-state';

export interface StreamLogOptions extends JetStreamOptions {
  readonly state: RecordedState;
  readonly maxPending: number;
  /** The number of the store on the log. */
  readonly node: number;
  /** Default: 1. */
  readonly start?: number;
}

/** Opens the log of a store whose state is in memory. */
export async function openStreamLog(options: StreamLogOptions): Promise<ReplicatedLog> {
  const { state, maxPending, node, start = 1, ...rest } = options;
  const shared = jetStream(rest);
  const incarnation = { node, start };
  const timing = systemTiming();
  const randomBytes = (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length));
  const connection = await shared.connect({ incarnation, timing, randomBytes });
  const { cluster } = connection.founding;
  const applied = state.logPosition().index;
  const link = connection.link({
    cluster,
    applied,
    membership: { index: 0, configuration: noMembers, addresses: {} },
    mark: undefined,
    keepMark: () => undefined,
  });
  const log = new RaftLog({
    link,
    cluster,
    incarnation,
    timing,
    maxPending,
    waitMs: shared.waitMs,
    // The state in memory belongs to no cluster, so that it has no members.
    apply: ({ membership: _, ...entry }: LogEntry): EntryResult => state.applyEntry(entry).result,
    install: async () => {
      throw new MemoryError('CLUSTER_MISMATCH', 'The state takes no snapshot.');
    },
    position: () => state.logPosition().index,
  });
  await log.start();
  return log;
}
