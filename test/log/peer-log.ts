import type { Command, Outcome } from '../../src/domain/command';
import { MemoryError } from '../../src/domain/errors';
import type { EntryResult, Incarnation, LogEntry, LogPosition } from '../../src/domain/frame';
import { messageOf } from '../../src/domain/realms';
import { decodeFrame, encodeFrame } from '../../src/log/frame-codec';
import type { BarrierLevel, LogStatus, ReplicatedLog } from '../../src/log/replicated-log';
import type { Entry } from '../../src/raft/core/entry';
import type { RaftNode } from '../../src/raft/core/raft-node';

/** What a peer applies entries to, such as a `StateStore`. */
export interface EntryTarget {
  /** Applies the next entry whole, or throws and keeps nothing of it. */
  applyEntry(entry: LogEntry): { readonly result: EntryResult };
  logPosition(): LogPosition;
}

export interface PeerLogDeps {
  readonly cluster: string;
  readonly incarnation: Incarnation;
  readonly node: RaftNode;
  readonly target: EntryTarget;
  readonly maxPending: number;
  /** Called when there is something to do, so that the network runs. */
  wake(): void;
}

// A frame in a cluster of 3 needs a few rounds. Several frames on their way show what lost and reordered ones do.
const maxFrameCommands = 32;
const maxFramesInFlight = 4;
// In ticks. An election takes 15 to 30 and may have to be repeated.
const resendTicks = 20;
const waitTicks = 200;

interface Waiting {
  readonly command: Command;
  /** When the caller gets its answer at the latest. */
  readonly deadline: number;
  /** Resolves when the caller got its answer, of whatever kind. */
  readonly answered: Promise<void>;
  resolve(outcome: Outcome): void;
  reject(error: MemoryError): void;
}

interface SentFrame {
  readonly bytes: Uint8Array;
  readonly waiting: readonly Waiting[];
  isAnswered: boolean;
  sentAt: number;
}

interface WaitingBarrier {
  readonly deadline: number;
  /** The number under which the core was asked for an index to read at. */
  readonly context: number | undefined;
  askedAt: number;
  /** The position to reach. Undefined until the leader has answered. */
  after: number | undefined;
  resolve(): void;
  reject(error: MemoryError): void;
}

/**
 * The log of one peer, in memory: it sends frames to the leader, and answers with the outcomes of its own `apply`. A frame that is lost is
 * sent again under its number, so that it is applied once. For tests: it has no disk, and time is counted in ticks.
 */
export class PeerLog implements ReplicatedLog {
  readonly #deps: PeerLogDeps;
  #queue: Waiting[] = [];
  /** The frames that left this peer and that it has not applied yet, in the order of their numbers. */
  readonly #frames = new Map<number, SentFrame>();
  #lastFrame = 0;
  #barriers: WaitingBarrier[] = [];
  #lastContext = 0;
  #now = 0;
  #haltReason: string | undefined;
  #isClosed = false;

  constructor(deps: PeerLogDeps) {
    this.#deps = deps;
  }

  get pending(): number {
    let sent = 0;
    for (const { waiting, isAnswered } of this.#frames.values()) if (!isAnswered) sent += waiting.length;
    return this.#queue.length + sent;
  }

  /** Whether somebody waits for this peer. */
  get isAwaited(): boolean {
    return this.pending > 0 || this.#barriers.length > 0;
  }

  /** Whether frames of this peer are on their way, also if their callers do not wait any more. */
  get hasFrames(): boolean {
    return this.#frames.size > 0;
  }

  propose(command: Command): Promise<Outcome> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    let answer = ignore;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#queue.push({ command, deadline: this.#now + waitTicks, answered, resolve, reject });
    });
    outcome.then(answer, answer);
    this.#deps.wake();
    return outcome;
  }

  async barrier(level: BarrierLevel): Promise<void> {
    await Promise.all(this.#unanswered());
    if (level === 'session') return;
    if (this.#haltReason !== undefined) throw unwritten('FILE_FAILED', this.#haltReason);
    const isRead = level === 'linearizable';
    if (!isRead && level.after <= this.position()) return;
    const context = isRead ? ++this.#lastContext : undefined;
    if (context !== undefined) this.#deps.node.requestReadIndex(context);
    await new Promise<void>((resolve, reject) => {
      const after = isRead ? undefined : level.after;
      const deadline = this.#now + waitTicks;
      this.#barriers.push({ deadline, context, askedAt: this.#now, after, resolve, reject });
      this.#deps.wake();
    });
  }

  position(): number {
    return this.#deps.target.logPosition().index;
  }

  status(): LogStatus {
    if (this.#haltReason !== undefined) return { role: 'halted', reason: this.#haltReason };
    return { role: this.#deps.node.status().role === 'leader' ? 'leader' : 'follower' };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#unanswered());
  }

  /** The process of this peer ends at once: nobody learns what became of the frames that left it. */
  crash(): void {
    this.#isClosed = true;
    this.#rejectAll('The peer was stopped.', 'STORE_CLOSED');
  }

  /** A unit of time has passed. */
  tick(): void {
    this.#now++;
    for (const frame of this.#frames.values()) {
      if (!frame.isAnswered && frame.waiting.some(({ deadline }) => deadline <= this.#now)) {
        frame.isAnswered = true;
        for (const { reject } of frame.waiting) reject(unknown('The peers have not answered in time.'));
      }
    }
    const late = this.#queue.filter(({ deadline }) => deadline <= this.#now);
    this.#queue = this.#queue.filter((each) => !late.includes(each));
    for (const { reject } of late) reject(unreachable());
    for (const barrier of this.#barriers) {
      if (barrier.deadline <= this.#now) barrier.reject(unreachable());
      else if (barrier.after === undefined && this.#now - barrier.askedAt >= resendTicks) this.#askAgain(barrier);
    }
    this.#barriers = this.#barriers.filter(({ deadline }) => deadline > this.#now);
  }

  /** Sends again what got lost, and then what waits, as far as a leader is known and frames may be on their way. */
  sendWaiting(): void {
    for (const frame of this.#frames.values()) {
      if (this.#now - frame.sentAt < resendTicks) continue;
      frame.sentAt = this.#now;
      this.#deps.node.propose([frame.bytes]);
    }
    while (this.#queue.length > 0 && this.#frames.size < maxFramesInFlight) {
      const waiting = this.#queue.slice(0, maxFrameCommands);
      const number = this.#lastFrame + 1;
      const { cluster, incarnation } = this.#deps;
      const bytes = encodeFrame({ cluster, incarnation, number, commands: waiting.map(({ command }) => command) });
      // Refused: nothing has left this peer, and the number is free.
      if (!this.#deps.node.propose([bytes]).isAccepted) return;
      this.#queue.splice(0, waiting.length);
      this.#lastFrame = number;
      this.#frames.set(number, { bytes, waiting, isAnswered: false, sentAt: this.#now });
    }
  }

  /** Applies a committed entry. False if the peer has halted: then it must not tell the core that it has applied the entry. */
  apply(entry: Entry): boolean {
    const { index, term } = entry;
    try {
      const frame = entry.kind === 'normal' && entry.data.length > 0 ? decodeFrame(entry.data) : undefined;
      const { result } = this.#deps.target.applyEntry({ index, term, ...(frame && { frame }) });
      const { node, start } = this.#deps.incarnation;
      if (frame?.incarnation.node === node && frame.incarnation.start === start) this.#follow(frame.number, result);
    } catch (error) {
      // Never skipped and never refused: the other peers may have applied it.
      this.#haltReason = messageOf(error);
      this.#rejectAll(this.#haltReason, 'FILE_FAILED');
      return false;
    }
    this.#endBarriers();
    return true;
  }

  /** The leader has said at which index a read may be served. */
  readAt(context: number, index: number): void {
    for (const barrier of this.#barriers) if (barrier.context === context) barrier.after ??= index;
    this.#endBarriers();
  }

  /** Ends the barriers whose position is applied. */
  #endBarriers(): void {
    const position = this.position();
    const isReached = ({ after }: WaitingBarrier) => after !== undefined && after <= position;
    const reached = this.#barriers.filter(isReached);
    this.#barriers = this.#barriers.filter((each) => !isReached(each));
    for (const { resolve } of reached) resolve();
  }

  /** Takes the outcome of an own frame. */
  #follow(number: number, result: EntryResult): void {
    if (result.type === 'gap') {
      for (const [each, frame] of this.#frames) if (each >= result.expected) frame.sentAt = Number.NEGATIVE_INFINITY;
      return;
    }
    const frame = this.#frames.get(number);
    if (frame === undefined || result.type !== 'applied') return;
    this.#frames.delete(number);
    for (const [i, { resolve }] of frame.waiting.entries()) resolve(result.outcomes[i] as Outcome);
  }

  #askAgain(barrier: WaitingBarrier): void {
    barrier.askedAt = this.#now;
    if (barrier.context !== undefined) this.#deps.node.requestReadIndex(barrier.context);
  }

  #unanswered(): Promise<void>[] {
    const sent = [...this.#frames.values()].filter(({ isAnswered }) => !isAnswered);
    return [...sent.flatMap(({ waiting }) => waiting), ...this.#queue].map(({ answered }) => answered);
  }

  /** Rejects what has left this peer as unknown, and the rest with a code that says that nothing was written. */
  #rejectAll(reason: string, code: MemoryError['code']): void {
    for (const { waiting, isAnswered } of this.#frames.values())
      if (!isAnswered) for (const { reject } of waiting) reject(unknown(reason));
    this.#frames.clear();
    for (const { reject } of [...this.#queue, ...this.#barriers]) reject(unwritten(code, reason));
    this.#queue = [];
    this.#barriers = [];
  }

  #refusal(): MemoryError | undefined {
    if (this.#isClosed) return new MemoryError('STORE_CLOSED', 'The store is closed. Open it again to write.');
    if (this.#haltReason !== undefined) return unwritten('FILE_FAILED', this.#haltReason);
    if (this.pending < this.#deps.maxPending) return undefined;
    return new MemoryError('OVERLOADED', `${this.pending} writes are waiting, which is the limit of this store.`);
  }
}

function ignore(): void {}

function unwritten(code: MemoryError['code'], reason: string): MemoryError {
  return new MemoryError(code, `${reason} Nothing of this call was written.`);
}

function unknown(reason: string): MemoryError {
  return new MemoryError('OUTCOME_UNKNOWN', `${reason} The write may have happened.`);
}

function unreachable(): MemoryError {
  return unwritten('STORE_UNREACHABLE', 'No leader answers.');
}
