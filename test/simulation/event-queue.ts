import { check } from './violation';

// About fifty times as many as a course usually has: nodes that keep each other busy for nothing are a fault as well.
const maxEvents = 400_000;

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: events run one after the other, in the order of their time, and at the same time in the order of their scheduling. */
export class EventQueue {
  #now = 0;
  #scheduled = 0;
  // A binary heap: the children of the event at i are at 2i + 1 and 2i + 2.
  readonly #heap: Event[] = [];

  /** Milliseconds since the simulation began. */
  get now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): void {
    check(this.#scheduled < maxEvents, () => `More than ${maxEvents} events: the nodes keep each other busy.`);
    const event = { at: this.#now + delayMs, order: this.#scheduled++, run };
    let at = this.#heap.length;
    this.#heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(this.#heap[parent]!, event)) break;
      this.#heap[at] = this.#heap[parent]!;
      at = parent;
    }
    this.#heap[at] = event;
  }

  /** Runs all events up to a moment. */
  runUntil(endMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= endMs; next = this.#heap[0]) {
      this.#removeFirst();
      this.#now = next.at;
      next.run();
    }
    this.#now = endMs;
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!;
    const { length } = this.#heap;
    if (length === 0) return;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child += 1;
      if (isBefore(last, this.#heap[child]!)) break;
      this.#heap[at] = this.#heap[child]!;
      at = child;
    }
    this.#heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
