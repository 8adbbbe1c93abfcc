import { nextTurn } from '../../src/environment/timers';
import type { HostTiming } from '../../src/raft/node/host-timing';

interface Timer {
  readonly at: number;
  readonly number: number;
  readonly action: () => void;
}

// A frame needs a few rounds on the network, with a turn of the event loop for each.
const turnsPerStep = 3;

/** Time that passes only when a test says so: from timer to timer, with some turns of the event loop in between for messages. */
export class VirtualTime implements HostTiming {
  #now = 0;
  #number = 0;
  #timers: Timer[] = [];

  elapsedMs(): number {
    return this.#now;
  }

  readonly schedule = (ms: number, action: () => void): (() => void) => {
    const timer = { at: this.#now + ms, number: this.#number++, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  };

  nextTurn(): Promise<void> {
    return nextTurn();
  }

  /** Lets messages arrive, and then the timers that are due at the next moment fire. */
  async step(): Promise<void> {
    for (let turn = 0; turn < turnsPerStep; turn++) await nextTurn();
    const at = Math.min(...this.#timers.map((timer) => timer.at));
    if (!Number.isFinite(at)) return;
    this.#now = Math.max(this.#now, at);
    const due = this.#timers.filter((timer) => timer.at <= at).sort((a, b) => a.number - b.number);
    this.#timers = this.#timers.filter((timer) => timer.at > at);
    for (const { action } of due) action();
  }

  /** The process stands still: time goes on, and no timer fires. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    // Keeps the time from standing still when nothing else is scheduled.
    this.schedule(ms, () => undefined);
    while (this.#now < end) await this.step();
  }
}
