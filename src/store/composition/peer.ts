import { defined } from '../../domain/defined';
import { MemoryError } from '../../domain/errors';
import type { EntryResult, Incarnation, LogEntry } from '../../domain/frame';
import type { Clock, Environment } from '../../environment/environment';
import { onAbort } from '../../environment/timers';
import type { RaftLogDeps } from '../../log/raft-log';
import type { SharedLogLink } from '../../log/shared-log';
import type { Snapshot } from '../../raft/core/messages';
import type { HostTiming } from '../../raft/node/host-timing';
import { ChoreKeeper } from '../../replica/chore-keeper';
import { ClockWatch } from '../../replica/clock-watch';
import { DivergenceWatch } from '../../replica/divergence-watch';
import { LeaseClaim } from '../../replica/lease-claim';
import { compareStates, type DigestAnswer, type RecentDigests } from '../../replica/state-comparison';
import { ApplyHalt } from '../../state/apply/apply-halt';
import type { StateStore } from '../../state/state-store';
import { leaseOf } from '../../state/tables/leases';
import { host, submit } from '../../write/submit';
import { memberEvents } from '../cluster-events';
import type { ClusterNode } from '../cluster-node';
import type { EventSource } from '../events';
import type { Engine, LogTarget } from './engine';

/** The node of a store that belongs to a cluster, before it begins. */
export interface OpenedNode {
  /** Not started. */
  readonly link: SharedLogLink;
  /** Whether one of the nodes leads the others. Default: true. */
  readonly hasLeader?: boolean;
  /** The calls of operators. Default: those of `link`. */
  readonly administration?: ClusterNode['link'];
  readonly cluster: string;
  readonly incarnation: Incarnation;
  readonly timing: HostTiming;
  /** How long a call waits for the cluster. */
  readonly waitMs: number;
  /** How much the clocks of the members may differ. Default: they are not compared. */
  readonly maxClockSkewMs?: number;
  /** Puts a snapshot that has arrived into the database. */
  install(snapshot: Snapshot): Promise<void>;
  /** Answers what another node, or a program that wants to become one, asks. */
  answer?: RaftLogDeps['answer'];
  /** Is told why this node and another one do not talk to each other. */
  readonly onRefused?: RaftLogDeps['onRefused'];
  /** Called when the node runs and the store has what was committed before. */
  started?(): void;
  /** Ends what `started` has begun. Called when the store begins to close. */
  closing?(): Promise<void>;
}

export interface PeerDeps {
  readonly state: StateStore;
  readonly digests: RecentDigests;
  readonly events: EventSource;
  readonly maxPending: number;
  readonly clock: Clock;
  readonly clocks: ClockWatch | undefined;
  /** Is aborted when the store closes. */
  readonly ended: AbortSignal;
}

// A lock of another program, or a full disk, is tried again so often.
const retryMs = 200;
const choreOfSpaces = 'spaces';
const choreLeaseMs = 10_000;

/** Connects the log of a node with the store that applies its entries. */
export function peerLogDeps(node: OpenedNode, target: LogTarget, deps: PeerDeps): RaftLogDeps {
  const { state, digests, events, maxPending, clock, clocks } = deps;
  let position = target.logPosition().index;
  const { link, cluster, incarnation, timing, waitMs, answer, onRefused } = node;
  const apply = (entry: LogEntry): EntryResult => {
    const before = state.membership;
    const applied = target.applyEntry(entry);
    position = entry.index;
    digests.applied(applied.position);
    if (entry.membership !== undefined)
      for (const change of memberEvents(before, entry.membership)) events.emit('member', change);
    return applied.result;
  };
  return {
    link,
    cluster,
    incarnation,
    timing,
    waitMs,
    maxPending,
    refusal: () => clocks?.refusal,
    apply: (entry) => {
      try {
        return apply(entry);
      } catch (error) {
        if (!isPassing(error)) throw error;
        return applyLater(() => apply(entry), timing, deps.ended);
      }
    },
    install: async (snapshot) => {
      await node.install(snapshot);
      target.installed();
      position = target.logPosition().index;
      digests.applied(target.logPosition());
      const { membership } = state;
      if (membership !== undefined) return membership;
      throw new MemoryError('CLUSTER_MISMATCH', 'The snapshot that has arrived is not one of a cluster.');
    },
    position: () => position,
    ...defined({ onRefused }),
    onRole: (role, leader) => {
      if (node.hasLeader !== false) events.emit('leader', { leader, isThisNode: role === 'leader' });
    },
    // Only this node has stopped: its writes are refused, and so are its reads, unless the host wants what is here.
    onHalted: (error) => events.emit('degraded', { part: 'node', error }),
    answer: async (from, request) => {
      if (Object(request).clock === true) return { now: clock.now() };
      const index = digestRequestOf(request);
      if (index === 'none') return answer?.(from, request);
      return digests.at(index);
    },
  };
}

/** What a host can see and change of the cluster through this node. */
export function clusterOf(
  node: OpenedNode,
  state: StateStore,
  digests: RecentDigests,
  clocks: ClockWatch | undefined,
): ClusterNode {
  const link = node.administration ?? node.link;
  const ask = async (member: number, index: number | undefined): Promise<DigestAnswer> => {
    if (member === link.id) return digests.at(index);
    return (await link.request(member, { digestAt: index ?? null })) as DigestAnswer;
  };
  const membersNow = () => Object.keys(state.membership?.addresses ?? {}).map(Number);
  return {
    link,
    membership: () => state.membership,
    compare: () => compareStates(membersNow(), ask),
    clockSkewMs: () => clocks?.skewMs,
  };
}

/** Compares the clock of this node with those of the others. Undefined if the node compares none. */
export function watchClocks(node: OpenedNode, state: StateStore, environment: Environment): ClockWatch | undefined {
  const { link, timing, maxClockSkewMs: maxSkewMs } = node;
  if (maxSkewMs === undefined) return undefined;
  const { clock, logger } = environment;
  const members = () => Object.keys(state.membership?.addresses ?? {}).map(Number);
  return new ClockWatch({
    clock,
    logger,
    maxSkewMs,
    others: () => members().filter((id) => id !== link.id),
    ask: async (member) => {
      const { now } = Object(await link.request(member, { clock: true })) as { now?: unknown };
      if (typeof now === 'number') return now;
      throw new MemoryError('STORE_UNREACHABLE', 'The node has not said what its clock says.');
    },
    elapsedMs: () => timing.elapsedMs(),
    schedule: timing.schedule,
  });
}

/** Ends the node when its state differs from that of most members. */
export function watchDivergence({ link, timing }: OpenedNode, { compare }: ClusterNode): DivergenceWatch {
  return new DivergenceWatch({
    id: link.id,
    compare,
    schedule: timing.schedule,
    onDiverged: (error) => link.halt(error),
  });
}

/** The position at which another node asks for the digest: undefined for the latest, 'none' if it asks something else. */
function digestRequestOf(request: unknown): number | undefined | 'none' {
  const { digestAt } = Object(request) as { digestAt?: unknown };
  if (digestAt === null) return undefined;
  return typeof digestAt === 'number' ? digestAt : 'none';
}

/** Whether the same entry can be applied later: another program locks the database, or the disk has no room. */
function isPassing(error: unknown): boolean {
  const cause = error instanceof ApplyHalt ? error.cause : error;
  return MemoryError.is(cause) && (cause.code === 'STORE_BUSY' || cause.code === 'DISK_FULL');
}

/** Tries until it succeeds. The other nodes go on meanwhile, and this one gets what it has missed. */
async function applyLater<T>(apply: () => T, { schedule }: HostTiming, ended: AbortSignal): Promise<T> {
  for (;;) {
    await new Promise<void>((resolve) => {
      const cancel = schedule(retryMs, resolve);
      onAbort(ended, () => {
        cancel();
        resolve();
      });
    });
    if (ended.aborted) throw new MemoryError('STORE_CLOSED', 'The store was closed before the entry could be applied.');
    try {
      return apply();
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }
}

/** Work in the background that one node does for all. */
export interface Chores {
  isDue(): boolean;
  run(): void;
}

/** Lets this node do the chores of its cluster while it holds their lease. */
export function keepChores(engine: Engine, node: OpenedNode, { isDue, run }: Chores): ChoreKeeper {
  const { timing, incarnation } = node;
  const holder = `${incarnation.node}/${incarnation.start}`;
  return new ChoreKeeper({
    claim: new LeaseClaim({ holder, durationMs: choreLeaseMs, elapsedMs: () => timing.elapsedMs() }),
    schedule: timing.schedule,
    lease: () => leaseOf(engine.state.meta, choreOfSpaces),
    ask: (request) => submit(engine.writing(), host, { type: 'lease', chore: choreOfSpaces, ...request }),
    isDue,
    run,
  });
}
