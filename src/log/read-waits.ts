import type { MemoryError } from '../domain/errors';
import { withoutQuorum } from './log-errors';

export interface ReadWaitsDeps {
  /** Asks the leader for the index that a linearizable read must wait for. The request may get lost. */
  ask(context: number): void;
  /** How far this node has applied the log. */
  position(): number;
  hasReadLease(): boolean;
  elapsedMs(): number;
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>;
  readonly waitMs: number;
  /** Questions are numbered from here on. Another number for each start of the node: answers to an earlier one may still come. */
  readonly firstContext: number;
}

interface Waiter {
  readonly deadline: number;
  isOver(): boolean;
  resolve(): void;
  reject(error: MemoryError): void;
}

/** Reads that share one question to the leader. */
interface Round {
  readonly context: number;
  askedAt: number;
  /** When the last of its reads gives up. */
  deadline: number;
  /** The position to reach. Undefined until the leader has answered. */
  index: number | undefined;
}

// An answer takes one round on the network. Also the question may be lost.
const askAgainMs = 300;

/** The reads that wait: for a position, for the leader's word, or for a read lease. */
export class ReadWaits {
  readonly #deps: ReadWaitsDeps;
  #waiters: Waiter[] = [];
  readonly #rounds = new Map<number, Round>();
  /** The round that reads of this moment may still join. */
  #joinable: Round | undefined;
  #lastContext: number;
  /** Why nothing is waited for any more. */
  #ended: MemoryError | undefined;

  constructor(deps: ReadWaitsDeps) {
    this.#deps = deps;
    this.#lastContext = deps.firstContext;
  }

  /** Resolves when this node has applied everything up to a position. */
  reach(position: number): Promise<void> {
    return this.#until(() => this.#deps.position() >= position);
  }

  /** Resolves when this node may serve reads from its own state. */
  lease(): Promise<void> {
    return this.#until(() => this.#deps.hasReadLease());
  }

  /** Resolves when this node has applied everything that was committed on any node when this was called. */
  async confirm(): Promise<void> {
    this.#joinable ??= this.#open();
    const round = this.#joinable;
    round.deadline = this.#deadline;
    await this.#until(() => round.index !== undefined && this.#deps.position() >= round.index);
  }

  /** The leader has said at which index the reads of a round may be served. */
  answer(context: number, index: number): void {
    const round = this.#rounds.get(context);
    if (round === undefined) return;
    this.#rounds.delete(context);
    round.index = index;
    this.check();
  }

  /** Something that reads wait for may have come. */
  check(): void {
    if (this.#waiters.length === 0) return;
    const over = this.#waiters.filter((each) => each.isOver());
    if (over.length === 0) return;
    this.#waiters = this.#waiters.filter((each) => !over.includes(each));
    for (const { resolve } of over) resolve();
  }

  /** Gives up on reads that have waited for too long, and asks again for the others. */
  expire(): void {
    this.check();
    const now = this.#deps.elapsedMs();
    const late = this.#waiters.filter(({ deadline }) => deadline <= now);
    this.#waiters = this.#waiters.filter(({ deadline }) => deadline > now);
    for (const { reject } of late) reject(withoutQuorum(this.#deps.waitMs));
    for (const round of this.#rounds.values()) {
      if (round.deadline <= now) this.#rounds.delete(round.context);
      else if (now - round.askedAt >= askAgainMs) this.#ask(round);
    }
  }

  /** The leader has changed: what the one before was asked may be lost. */
  askAllAgain(): void {
    for (const round of this.#rounds.values()) this.#ask(round);
  }

  /** Rejects the reads that wait, and those that come later: no time passes for them any more. */
  end(error: MemoryError): void {
    this.#ended = error;
    this.#rounds.clear();
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  /** Opens a round that is asked for in the next turn of the event loop, so that reads of many callers share it. */
  #open(): Round {
    const askedAt = this.#deps.elapsedMs();
    const round: Round = { context: ++this.#lastContext, askedAt, deadline: this.#deadline, index: undefined };
    this.#rounds.set(round.context, round);
    void this.#deps.nextTurn().then(() => {
      this.#joinable = undefined;
      this.#ask(round);
    });
    return round;
  }

  #ask(round: Round): void {
    // A read that joins after the leader was asked might miss what was acknowledged in between.
    if (round === this.#joinable) return;
    round.askedAt = this.#deps.elapsedMs();
    this.#deps.ask(round.context);
  }

  get #deadline(): number {
    return this.#deps.elapsedMs() + this.#deps.waitMs;
  }

  #until(isOver: () => boolean): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (isOver()) return Promise.resolve();
    const deadline = this.#deadline;
    return new Promise((resolve, reject) => void this.#waiters.push({ deadline, isOver, resolve, reject }));
  }
}
