import type { Outcome } from '../domain/command';
import type { MemoryError } from '../domain/errors';
import type { EntryResult, Incarnation } from '../domain/frame';
import { joinFrame, maxFrameCommandBytes, maxFrameCommands } from './frame-codec';
import { unknownOutcome, withoutQuorum } from './log-errors';

export interface FrameSessionDeps {
  readonly cluster: string;
  readonly incarnation: Incarnation;
  /** Proposes a frame. False if it was refused: nothing has left this node. */
  send(frame: Uint8Array): boolean;
  elapsedMs(): number;
  readonly waitMs: number;
}

/** A command that waits for its outcome. */
export interface WaitingCommand {
  readonly bytes: Uint8Array;
  /** Whether its outcome is held back until no node can serve a read from a state before it. */
  readonly isBarrier: boolean;
  /** This node has applied it, and its reads include it. */
  applied(): void;
  resolve(outcome: Outcome): void;
  reject(error: MemoryError): void;
}

/** The commands of a frame that was applied, with their outcomes. */
export interface AnsweredFrame {
  readonly callers: readonly Caller[];
  readonly outcomes: readonly Outcome[];
}

/** What is left of a command when it is in a frame. */
type Caller = Omit<WaitingCommand, 'bytes'> & { readonly deadline: number };
type Queued = WaitingCommand & { readonly deadline: number };

interface SentFrame {
  readonly bytes: Uint8Array;
  /** Those who still wait, by their place in the frame. */
  readonly callers: (Caller | undefined)[];
  sentAt: number;
}

// One frame fills while others are on their way. More of them would make frames smaller and resends larger.
const maxFramesInFlight = 4;
// A frame needs two rounds on the network and two syncs. After an election it is sent again at once.
const resendMs = 1_000;

/**
 * The frames of one run of a node. They reach the log once and in their order, whatever gets lost: a frame that is not applied after a while
 * is sent again under its number, and every node applies a number only after the one before it, and once.
 *
 * A frame stays here until it is applied, also if its callers have given up: the next ones could not be applied without it.
 */
export class FrameSession {
  readonly #deps: FrameSessionDeps;
  #queue: Queued[] = [];
  readonly #frames = new Map<number, SentFrame>();
  #lastFrame = 0;
  #waiting = 0;

  constructor(deps: FrameSessionDeps) {
    this.#deps = deps;
  }

  /** The number of commands whose callers wait. */
  get pending(): number {
    return this.#waiting;
  }

  /** Whether something is to be sent, or sent again. */
  get hasWork(): boolean {
    return this.#queue.length > 0 || this.#frames.size > 0;
  }

  add(command: WaitingCommand): void {
    this.#waiting++;
    this.#queue.push({ ...command, deadline: this.#deps.elapsedMs() + this.#deps.waitMs });
  }

  /** Sends again what got lost, and then what waits. */
  flush(): void {
    if (!this.#resend()) return;
    while (this.#queue.length > 0 && this.#frames.size < maxFramesInFlight) {
      const queued = this.#queue.slice(0, this.#fittingCommands());
      const number = this.#lastFrame + 1;
      const { cluster, incarnation } = this.#deps;
      const bytes = joinFrame({ cluster, incarnation, number, commands: queued.map((each) => each.bytes) });
      // Refused: nothing has left this node, and the number is free.
      if (!this.#deps.send(bytes)) return;
      this.#queue.splice(0, queued.length);
      this.#lastFrame = number;
      const callers = queued.map(({ isBarrier, deadline, applied, resolve, reject }) => ({
        isBarrier,
        deadline,
        applied,
        resolve,
        reject,
      }));
      this.#frames.set(number, { bytes, callers, sentAt: this.#deps.elapsedMs() });
    }
  }

  /** The leader has changed: what was sent to the one before may be lost. */
  sendAllAgain(): void {
    for (const frame of this.#frames.values()) frame.sentAt = Number.NEGATIVE_INFINITY;
  }

  /** An own frame was applied, or could not be. Returns the callers to answer. */
  take(number: number, result: EntryResult): AnsweredFrame | undefined {
    if (result.type === 'gap') {
      for (const [each, frame] of this.#frames) if (each >= result.expected) frame.sentAt = Number.NEGATIVE_INFINITY;
      return undefined;
    }
    const frame = this.#frames.get(number);
    if (frame === undefined) return undefined;
    this.#frames.delete(number);
    const callers = frame.callers.filter((caller) => caller !== undefined);
    this.#waiting -= callers.length;
    if (result.type === 'applied') {
      const outcomes = result.outcomes.filter((_, at) => frame.callers[at] !== undefined);
      return { callers, outcomes };
    }
    // It was applied before, and its outcomes came with a snapshot: they are nowhere any more.
    const error = unknownOutcome(
      'The state of this node was replaced by that of another node before the outcome was known.',
    );
    for (const { reject } of callers) reject(error);
    return undefined;
  }

  /** Gives up on callers who have waited for too long. */
  expire(): void {
    const now = this.#deps.elapsedMs();
    const { waitMs } = this.#deps;
    const fresh = this.#queue.findIndex(({ deadline }) => deadline > now);
    const late = this.#queue.splice(0, fresh < 0 ? this.#queue.length : fresh);
    this.#waiting -= late.length;
    for (const { reject } of late) reject(withoutQuorum(waitMs));
    for (const { callers } of this.#frames.values()) {
      for (const [at, caller] of callers.entries()) {
        if (caller === undefined || caller.deadline > now) continue;
        callers[at] = undefined;
        this.#waiting--;
        caller.reject(unknownOutcome(`The cluster has not confirmed the write within ${waitMs} ms.`));
      }
    }
  }

  /** Ends: rejects what has left this node as unknown, and the rest with an error that says that nothing was written. */
  end(reason: string, unwritten: MemoryError): void {
    const queue = this.#queue.splice(0);
    const sent = [...this.#frames.values()].flatMap(({ callers }) => callers.filter((caller) => caller !== undefined));
    this.#frames.clear();
    this.#waiting = 0;
    for (const { reject } of sent) reject(unknownOutcome(reason));
    for (const { reject } of queue) reject(unwritten);
  }

  /** False if a frame was refused: those after it would arrive too early. */
  #resend(): boolean {
    const now = this.#deps.elapsedMs();
    for (const frame of this.#frames.values()) {
      if (now - frame.sentAt < resendMs) continue;
      if (!this.#deps.send(frame.bytes)) return false;
      frame.sentAt = now;
    }
    return true;
  }

  /** How many of the commands that wait fit into a frame: at least one. */
  #fittingCommands(): number {
    let bytes = 0;
    const max = Math.min(this.#queue.length, maxFrameCommands);
    for (let count = 0; count < max; count++) {
      bytes += this.#queue[count]?.bytes.length ?? 0;
      if (count > 0 && bytes > maxFrameCommandBytes) return count;
    }
    return max;
  }
}
