import { nextTurn, type Schedule } from '../environment/timers';
import type { HostTiming } from '../raft/node/host-timing';

interface Timer {
  readonly at: number;
  readonly action: () => void;
}

// A message between nodes takes one turn of the event loop. Time passes when a question and its answer have had theirs.
const turnsPerStep = 4;
/** Time goes on for a while after a write, so that all nodes apply what one has answered, and those who watch learn of it. */
const lingerMs = 500;

/**
 * The time of several nodes in one process, for tests. It has nothing to do with the time of the machine: it passes while a call waits for
 * the nodes, as fast as they work, and otherwise it stands still. So no timer keeps a process alive, fake timers do not stop a call, and a
 * call that waits for five seconds takes some milliseconds.
 */
export class VirtualTime implements HostTiming {
  readonly nextTurn = nextTurn;
  #now = 0;
  #timers: Timer[] = [];
  #waiting = 0;
  #runsUntil = 0;
  #isRunning = false;

  elapsedMs(): number {
    return this.#now;
  }

  readonly schedule: Schedule = (ms, action) => {
    const timer = { at: this.#now + Math.max(0, ms), action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  };

  /** Runs a call that waits for the nodes. Time passes until it has ended, and, if it may have changed something, for a while longer. */
  async during<T>(call: () => Promise<T>, changes = true): Promise<T> {
    this.#waiting++;
    if (!this.#isRunning) void this.#run();
    try {
      return await call();
    } finally {
      this.#waiting--;
      if (changes) this.#runsUntil = this.#now + lingerMs;
    }
  }

  /** Lets this many milliseconds pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (this.#nextAt() <= end) await this.#step();
    this.#now = Math.max(this.#now, end);
    await turns();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // The call itself begins first.
    await nextTurn();
    while (this.#waiting > 0 || this.#nextAt() <= this.#runsUntil) await this.#step();
    this.#isRunning = false;
  }

  /** Waits for what is on its way now, and then for the next timers. */
  async #step(): Promise<void> {
    await turns();
    const at = this.#nextAt();
    if (at === Number.POSITIVE_INFINITY) return;
    this.#now = Math.max(this.#now, at);
    const due = this.#timers.filter((timer) => timer.at <= at);
    // One of them may cancel another.
    for (const timer of due) {
      if (!this.#timers.includes(timer)) continue;
      this.#timers = this.#timers.filter((each) => each !== timer);
      timer.action();
    }
  }

  #nextAt(): number {
    return this.#timers.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY);
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < turnsPerStep; turn++) await nextTurn();
}
