import { MemoryError } from '../domain/errors';
import type { Clock, Logger } from '../environment/environment';
import type { Schedule } from '../environment/timers';

export interface ClockWatchDeps {
  /** The clock with which this node stamps its writes. */
  readonly clock: Clock;
  /** The other members. */
  others(): readonly number[];
  /** What the clock of a member says, in epoch milliseconds. Rejects if the member does not answer. */
  ask(member: number): Promise<number>;
  elapsedMs(): number;
  readonly schedule: Schedule;
  readonly logger: Logger;
  /** Writes are refused if the clock differs by more. */
  readonly maxSkewMs: number;
}

const everyMs = 30_000;
const maxFirstMs = 1_000;
// Times of memories are then wrong by a second, which an operator wants to know and no caller notices.
const warnAboveMs = 1_000;

type Level = 'right' | 'off' | 'refused';

/**
 * Compares the clock of this node with those of the other members. The time of a memory comes from the node that writes it, so a node whose
 * clock is wrong would store times that never were, and take or leave memories whose time has come.
 *
 * The middle clock of all members counts as right: with three members, one wrong clock is found. With two, each is half as far from the
 * middle as from the other, because nobody knows which of them is wrong.
 */
export class ClockWatch {
  readonly #deps: ClockWatchDeps;
  #skewMs: number | undefined;
  #level: Level = 'right';
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(deps: ClockWatchDeps) {
    this.#deps = deps;
  }

  /** By how much the clock of this node is ahead of the middle clock. Negative if it is behind. Undefined while no member has answered. */
  get skewMs(): number | undefined {
    return this.#skewMs;
  }

  /** Why this node takes no writes now. Undefined if it does. */
  get refusal(): MemoryError | undefined {
    return this.#level === 'refused' ? new MemoryError('CLOCK_SKEWED', this.#message) : undefined;
  }

  /**
   * Compares the clocks again and again until `close`. Resolves after the first comparison, or after a second: a member that does not answer
   * holds up nobody.
   */
  start(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#deps.schedule(maxFirstMs, resolve);
      void this.#run().then(() => {
        cancel();
        resolve();
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #run(): Promise<void> {
    await this.#compare();
    if (!this.#isClosed) this.#cancel = this.#deps.schedule(everyMs, () => void this.#run());
  }

  async #compare(): Promise<void> {
    const { others } = this.#deps;
    const ahead = await Promise.all(others().map((member) => this.#aheadOf(member).catch(() => undefined)));
    const known = ahead.filter((each) => each !== undefined);
    // Alone, a node knows nothing new. It cannot write anything either, unless it is the only member.
    if (this.#isClosed || known.length === 0) return;
    this.#skewMs = middleOf([0, ...known]);
    const distance = Math.abs(this.#skewMs);
    const level = distance > this.#deps.maxSkewMs ? 'refused' : distance > warnAboveMs ? 'off' : 'right';
    const isNews = level !== this.#level && level !== 'right';
    this.#level = level;
    if (isNews) this.#deps.logger.warn(this.#message, { skewMs: this.#skewMs });
  }

  /** By how much the own clock is certainly ahead of that of a member: by the whole difference, less what the answer took. */
  async #aheadOf(member: number): Promise<number> {
    const { clock, ask, elapsedMs } = this.#deps;
    const beganAt = elapsedMs();
    const before = clock.now();
    const there = await ask(member);
    const tookMs = elapsedMs() - beganAt;
    // The member has read its clock between both moments.
    const ahead = before + tookMs / 2 - there;
    return Math.sign(ahead) * Math.max(0, Math.abs(ahead) - tookMs / 2);
  }

  get #message(): string {
    const skew = this.#skewMs ?? 0;
    const difference = `The clock of this node is ${Math.round(Math.abs(skew))} ms ${skew > 0 ? 'ahead of' : 'behind'} those of most members of its cluster.`;
    return this.#level === 'refused'
      ? `${difference} It takes no writes, whose times would be wrong: set its clock, or write on another node.`
      : `${difference} Times of memories that are written here are wrong by as much: set its clock.`;
  }
}

/** The middle of some numbers, or the mean of the two that are in the middle. */
function middleOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = sorted.length >> 1;
  const upper = sorted[at] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[at - 1] ?? 0)) / 2;
}
