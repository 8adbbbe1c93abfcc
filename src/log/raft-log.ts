import type { ClusterMembership } from '../domain/cluster-membership';
import type { Command, Outcome } from '../domain/command';
import { MemoryError } from '../domain/errors';
import type { EntryResult, Frame, Incarnation, LogEntry } from '../domain/frame';
import { messageOf } from '../domain/realms';
import { aliveWhile } from '../environment/timers';
import { withTokenCounts } from '../keyword-index/token-counts';
import type { Snapshot } from '../raft/core/messages';
import type { NodeId } from '../raft/core/node-id';
import type { Role } from '../raft/core/ready';
import type { HostTiming } from '../raft/node/host-timing';
import type { CommittedEntry, RaftUser } from '../raft/node/raft-link';
import { answer, BarrierAnswers, divided, isBarrierCommand } from './barrier-answers';
import { decodeFrame, encodeCommand } from './frame-codec';
import { FrameSession } from './frame-session';
import { closedLog, haltedNode } from './log-errors';
import { ReadWaits } from './read-waits';
import type { BarrierLevel, LogStatus, ReplicatedLog } from './replicated-log';
import { SettledSequence } from './settled-sequence';
import type { SharedLogLink } from './shared-log';

export interface RaftLogDeps {
  /** Not started: `RaftLog.start` starts it. */
  readonly link: SharedLogLink;
  /** 32 hexadecimal digits. */
  readonly cluster: string;
  readonly incarnation: Incarnation;
  /**
   * Applies the next entry whole, in one transaction with its position and its members, or throws and keeps nothing of it. The node halts
   * if it throws.
   */
  apply(entry: LogEntry): EntryResult | Promise<EntryResult>;
  /** Replaces the state by a snapshot: see `RaftUser.install`. */
  install(snapshot: Snapshot): Promise<ClusterMembership>;
  /** The index of the last entry that the state holds. */
  position(): number;
  readonly timing: HostTiming;
  /** The largest number of waiting commands. Further commands are rejected with OVERLOADED. */
  readonly maxPending: number;
  /** How long a call waits for the cluster. */
  readonly waitMs: number;
  /** Why this node takes no writes now. Undefined if it does. Default: it always does. */
  refusal?(): MemoryError | undefined;
  /** The leader or the own role has changed. */
  onRole?(role: Role, leader: NodeId | undefined): void;
  /** The node has halted by itself. */
  onHalted?(reason: MemoryError): void;
  /** See `RaftUser`. */
  readonly answer?: RaftUser['answer'];
  readonly onRefused?: RaftUser['onRefused'];
  readonly onMet?: RaftUser['onMet'];
}

/**
 * The log of a store that is one of several peers. Commands that wait together go to the leader in one frame, which becomes one entry of
 * the log and one transaction on every peer. The outcome of a command is that of the own `apply`, so it never crosses the network.
 */
export class RaftLog implements ReplicatedLog {
  readonly #deps: RaftLogDeps;
  readonly #session: FrameSession;
  readonly #reads: ReadWaits;
  readonly #barriers: BarrierAnswers;
  /** The commands of this node until it has applied them, for reads that must include them. */
  readonly #writes = new SettledSequence();
  /** The same until they are answered. */
  readonly #calls = new SettledSequence();
  #leader: NodeId | undefined;
  #isFlushDue = false;
  #haltReason: MemoryError | undefined;
  #isClosed = false;

  constructor(deps: RaftLogDeps) {
    this.#deps = deps;
    const { link, timing, waitMs, cluster, incarnation } = deps;
    const elapsedMs = () => timing.elapsedMs();
    const firstContext = firstContextOf(incarnation);
    const send = (frame: Uint8Array) => link.propose(frame) === undefined;
    this.#session = new FrameSession({ cluster, incarnation, send, elapsedMs, waitMs });
    this.#reads = new ReadWaits({
      ask: (context) => link.requestRead(context),
      position: () => deps.position(),
      hasReadLease: () => link.hasReadLease,
      elapsedMs,
      nextTurn: () => timing.nextTurn(),
      waitMs,
      firstContext,
    });
    const ask = (context: number, index: number) => link.requestBarrier(context, index);
    this.#barriers = new BarrierAnswers({ ask, elapsedMs, waitMs, firstContext });
  }

  /** Starts the node, whose entries are applied from then on. */
  async start(): Promise<void> {
    try {
      await this.#deps.link.start(this.#user);
    } catch (error) {
      // Without a node no time passes: calls that wait would never end.
      this.#haltReason = MemoryError.is(error) ? error : new MemoryError('FILE_FAILED', messageOf(error));
      this.#endHalted(this.#haltReason);
      throw error;
    }
  }

  get pending(): number {
    return this.#session.pending + this.#barriers.pending;
  }

  async propose(command: Command): Promise<Outcome> {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
    // A command that is too long is refused here, alone and before anything is written.
    const bytes = encodeCommand(withTokenCounts(command));
    const isBarrier = isBarrierCommand(command);
    const write = this.#writes.begin();
    const call = this.#calls.begin();
    let isApplied = false;
    // A read on this node does not wait for the other nodes, as the caller of a barrier command does.
    const applied = () => {
      if (!isApplied) this.#writes.end(write);
      isApplied = true;
    };
    const end = () => {
      applied();
      this.#calls.end(call);
    };
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#session.add({
        bytes,
        isBarrier,
        applied,
        resolve: (outcome) => {
          resolve(outcome);
          end();
        },
        reject: (error) => {
          reject(error);
          end();
        },
      });
      this.#flushSoon();
    });
    // Nothing else may keep the process alive while other nodes decide.
    return aliveWhile(outcome);
  }

  barrier(level: BarrierLevel): Promise<void> {
    return aliveWhile(this.#passed(level));
  }

  async #passed(level: BarrierLevel): Promise<void> {
    const own = this.#writes.settled();
    if (this.#haltReason !== undefined) throw haltedNode(this.#haltReason);
    if (level === 'session') {
      await own;
      // Not before: a lease may run out while the own commands are on their way.
      await this.#reads.lease();
      return;
    }
    // Asked at once, while the own commands are on their way.
    const read = level === 'linearizable' ? this.#reads.confirm() : this.#reads.reach(level.after);
    read.catch(() => undefined);
    await own;
    await read;
    // A position may be reached for long, and says nothing about the rules that have ended since.
    if (level !== 'linearizable') await this.#reads.lease();
  }

  position(): number {
    return this.#deps.position();
  }

  status(): LogStatus {
    if (this.#haltReason !== undefined) return { role: 'halted', reason: this.#haltReason.message };
    return { role: this.#leader === this.#deps.link.id ? 'leader' : 'follower' };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#calls.settled();
    this.#end(closedLog(), 'The store was closed.');
    await aliveWhile(this.#deps.link.close());
  }

  /** Ends at once, as if the process had ended: the leadership is not handed over, and outcomes on their way are unknown. */
  async abort(): Promise<void> {
    this.#isClosed = true;
    this.#end(closedLog(), 'The store was stopped.');
    await this.#deps.link.close({ handsOver: false });
  }

  get #user(): RaftUser {
    const { onRole, onRefused, onMet, answer: answerRequest } = this.#deps;
    return {
      apply: (entry) => this.#apply(entry),
      install: async (snapshot) => {
        const membership = await this.#deps.install(snapshot);
        this.#reads.check();
        return membership;
      },
      onReadState: (context, index) => this.#reads.answer(context, index),
      onBarrier: (context) => this.#barriers.release(context),
      onRole: (role, leader) => {
        this.#lead(leader);
        onRole?.(role, leader);
      },
      onTick: () => this.#tick(),
      onHalted: (reason) => this.#halt(reason),
      ...(onRefused && { onRefused }),
      ...(onMet && { onMet }),
      ...(answerRequest && { answer: answerRequest }),
    };
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    // Callers who propose at the same moment get into the same frame.
    void this.#deps.timing.nextTurn().then(() => {
      this.#isFlushDue = false;
      // Without a leader, frames would be made only to be refused.
      if (this.#leader !== undefined) this.#session.flush();
    });
  }

  #apply({ index, term, data, membership }: CommittedEntry): undefined | Promise<void> {
    const frame = data === undefined ? undefined : this.#decoded(data);
    const entry = { index, term, ...(frame && { frame }), ...(membership && { membership }) };
    const result = this.#deps.apply(entry);
    if ('then' in result) return result.then((applied) => this.#applied(index, frame, applied));
    this.#applied(index, frame, result);
    return undefined;
  }

  #decoded(data: Uint8Array): Frame {
    const frame = decodeFrame(data);
    if (frame.cluster === this.#deps.cluster) return frame;
    const message = `The log of this node holds an entry of the cluster ${frame.cluster}, but the node belongs to the cluster ${this.#deps.cluster}.`;
    throw new MemoryError('CLUSTER_MISMATCH', message);
  }

  #applied(index: number, frame: Frame | undefined, result: EntryResult): void {
    const { node, start } = this.#deps.incarnation;
    if (frame?.incarnation.node === node && frame.incarnation.start === start)
      this.#answer(index, frame.number, result);
    this.#reads.check();
  }

  /** Takes the outcome of an own frame. */
  #answer(index: number, number: number, result: EntryResult): void {
    if (result.type === 'ended') {
      const message = 'Another process has been started as this node of the cluster. Run only one of them.';
      throw new MemoryError('NODE_DUPLICATE', message);
    }
    const frame = this.#session.take(number, result);
    if (frame !== undefined) {
      for (const { applied } of frame.callers) applied();
      const { now, held } = divided(frame);
      answer(now);
      if (held.callers.length > 0) this.#barriers.hold(index, held);
    }
    if (this.#session.hasWork) this.#flushSoon();
  }

  #lead(leader: NodeId | undefined): void {
    this.#leader = leader;
    if (leader === undefined) return;
    this.#session.sendAllAgain();
    this.#reads.askAllAgain();
    this.#barriers.askAllAgain();
    if (this.#session.hasWork) this.#flushSoon();
  }

  #tick(): void {
    this.#session.expire();
    this.#reads.expire();
    this.#barriers.expire();
    if (this.#session.hasWork) this.#flushSoon();
  }

  #halt(reason: MemoryError): void {
    this.#haltReason = reason;
    this.#endHalted(reason);
    this.#deps.onHalted?.(reason);
  }

  #endHalted(reason: MemoryError): void {
    this.#end(haltedNode(reason), `This node of the cluster has stopped: ${reason.message}`);
  }

  #end(unwritten: MemoryError, reason: string): void {
    this.#session.end(reason, unwritten);
    this.#barriers.end(reason);
    this.#reads.end(unwritten);
  }

  #refusal(): MemoryError | undefined {
    if (this.#isClosed) return closedLog();
    if (this.#haltReason !== undefined) return haltedNode(this.#haltReason);
    const { maxPending, refusal } = this.#deps;
    if (this.pending < maxPending) return refusal?.();
    const message = `${this.pending} writes are waiting for their commit, which is the limit of this store. Wait for some of them, or raise limits.pendingWrites.`;
    return new MemoryError('OVERLOADED', message);
  }
}

// A leader may answer a question of the start before after this one has begun to ask, and would release a read or an outcome too early. A
// start has room for more questions than it can ask, and a million starts pass before a number comes again.
function firstContextOf({ start }: Incarnation): number {
  return (start % 2 ** 20) * 2 ** 32;
}
