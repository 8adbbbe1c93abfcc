import { isCounter } from './invariants';
import type { LogStorage } from './log-storage';
import type { NodeId } from './node-id';

/** How a node is set up. Times are in ticks: the host calls `tick()` at a steady pace, for example every 50 ms. */
export interface RaftOptions {
  readonly id: NodeId;
  readonly storage: LogStorage;
  /** Seeds the node's own small generator, which spreads the election time-outs. Any safe integer; another one on each node and start. */
  readonly seed: number;
  /** The last index that the state machine holds durably. Entries up to it are not handed out again. Default: the place before the first entry. */
  readonly applied?: number;
  /** An election starts after this many ticks without a leader, plus up to as many more by chance. Default: 15. */
  readonly electionTicks?: number;
  /** A leader sends heartbeats at this distance. Default: 2. */
  readonly heartbeatTicks?: number;
  /** Asks whether an election can be won before the term is raised, so that a node that was cut off disturbs nobody. Default: true. */
  readonly preVote?: boolean;
  /** A leader that hears from no majority for an election time-out steps down, and nodes that hear from it refuse others. Default: true. */
  readonly checkQuorum?: boolean;
  /**
   * `quorum` proves with a round of heartbeats that the leader still leads. `lease` trusts its clock and `checkQuorum`, which is
   * wrong if clocks drift apart or a process pauses. Default: `quorum`.
   */
  readonly reads?: 'quorum' | 'lease';
  /** Storage and state machine work beside the node and answer by messages. Default: false. */
  readonly asynchronousStorage?: boolean;
  /** A leader that a change removes or makes a learner steps down when it has applied the change. Default: true. */
  readonly stepDownOnRemoval?: boolean;
  /** A leader hands over its office before a change that would take its vote away, and refuses the change itself. Default: true. */
  readonly handOverBeforeLeaving?: boolean;
  /** A leader whose own append does not finish for an election time-out steps down: its disk hangs. Default: true. */
  readonly stepDownOnStalledAppend?: boolean;
  /** The bytes of entries in one append message. One entry always fits. Default: 1 MiB. */
  readonly maxMessageBytes?: number;
  /** The bytes of committed entries that may be handed out and not applied yet. One entry always fits. Default: 1 MiB. */
  readonly maxApplyingBytes?: number;
  /** The append messages that may be on their way to one follower. Default: 256. */
  readonly maxInflightMessages?: number;
  /** The bytes that may be on their way to one follower. Default: 16 MiB. */
  readonly maxInflightBytes?: number;
  /** The bytes of proposals that may wait for their commit. One proposal always fits. Default: 64 MiB. */
  readonly maxUncommittedBytes?: number;
  /** The voters of each half of a configuration. Further members should be learners. Default: 7. */
  readonly maxVoters?: number;
  /**
   * Whether a leader replaces a change of the configuration that cannot be made now by an empty entry. Only the replay of foreign
   * transcripts turns this off. Default: true.
   */
  readonly checkChanges?: boolean;
  /** Leases with which members serve reads by themselves. Default: none. Nobody holds one then, and no barrier waits for anybody. */
  readonly readLease?: ReadLeaseOptions;
}

/** How long leases last, and by which clock. `ms` and `maxLagMs` must be the same on all members. */
export interface ReadLeaseOptions {
  /**
   * A clock that never goes back, in milliseconds from 0, and that goes on while the process stands still. Over the time of a lease, the
   * clocks of two members may drift apart by at most 1 %. Ticks are no such clock: a process that pauses misses some.
   */
  readonly now: () => number;
  /** Which start of this node it is: another number from 0 each time. A lease of an earlier start, whose state may be lost, is void. */
  readonly start: number;
  /** How long a lease lasts. Default: 2,000. */
  readonly ms?: number;
  /** A member that has not applied what was committed so long ago gets no lease. Default: 1,000. */
  readonly maxLagMs?: number;
}

/** The options with the defaults filled in. */
export type RaftSettings = Required<Omit<RaftOptions, 'applied' | 'readLease'>> & {
  readonly applied: number | undefined;
  readonly readLease: Required<ReadLeaseOptions> | undefined;
};

const mebibyte = 2 ** 20;

/** Fills in the defaults. Throws a `RangeError` that lists every option that is out of range. */
export function settingsOf(options: RaftOptions): RaftSettings {
  const settings: RaftSettings = {
    electionTicks: 15,
    heartbeatTicks: 2,
    preVote: true,
    checkQuorum: true,
    reads: 'quorum',
    asynchronousStorage: false,
    stepDownOnRemoval: true,
    handOverBeforeLeaving: true,
    stepDownOnStalledAppend: true,
    maxMessageBytes: mebibyte,
    maxApplyingBytes: mebibyte,
    maxInflightMessages: 256,
    maxInflightBytes: 16 * mebibyte,
    maxUncommittedBytes: 64 * mebibyte,
    maxVoters: 7,
    checkChanges: true,
    ...options,
    applied: options.applied,
    readLease: options.readLease && { ms: 2_000, maxLagMs: 1_000, ...options.readLease },
  };
  const problems = problemsOf(settings);
  if (problems.length > 0) throw new RangeError(`The options of a Raft node are wrong: ${problems.join('; ')}.`);
  return settings;
}

function problemsOf(settings: RaftSettings): readonly string[] {
  const positive = [
    'id',
    'electionTicks',
    'heartbeatTicks',
    'maxMessageBytes',
    'maxApplyingBytes',
    'maxInflightMessages',
    'maxInflightBytes',
    'maxUncommittedBytes',
    'maxVoters',
  ] as const;
  return [
    ...positive
      .filter((name) => !isCounter(settings[name]) || settings[name] === 0)
      .map((name) => `${name} must be a safe integer from 1, not ${settings[name]}`),
    ...(Number.isSafeInteger(settings.seed) ? [] : [`seed must be a safe integer, not ${settings.seed}`]),
    ...(settings.applied === undefined || isCounter(settings.applied)
      ? []
      : [`applied must be a safe integer from 0, not ${settings.applied}`]),
    ...(settings.electionTicks > settings.heartbeatTicks ? [] : ['electionTicks must be greater than heartbeatTicks']),
    ...(settings.reads === 'lease' && !settings.checkQuorum ? ['reads: lease needs checkQuorum'] : []),
    ...(settings.readLease === undefined ? [] : leaseProblemsOf(settings.readLease)),
  ];
}

function leaseProblemsOf(lease: Required<ReadLeaseOptions>): readonly string[] {
  const positive = (['ms', 'maxLagMs'] as const)
    .filter((name) => !isCounter(lease[name]) || lease[name] === 0)
    .map((name) => `readLease.${name} must be a safe integer from 1, not ${lease[name]}`);
  const start = isCounter(lease.start) ? [] : [`readLease.start must be a safe integer from 0, not ${lease.start}`];
  return [...positive, ...start];
}
