/**
 * The append messages that a leader has sent to one follower and that are not acknowledged yet, oldest first. It is full when it holds
 * as many messages or bytes as allowed: a slow follower then costs a bounded amount of memory in the queues on the way.
 */
export class Inflights {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  // A ring that grows up to `maxMessages`: most followers never come near it.
  #lastIndexes: number[] = [];
  #sizes: number[] = [];
  #start = 0;
  #count = 0;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#maxMessages || this.#bytes >= this.#maxBytes;
  }

  /** Adds a message whose last entry is at `lastIndex`. A message may be larger than what is free: one is always let through. */
  add(lastIndex: number, bytes: number): void {
    if (this.#count === this.#lastIndexes.length) this.#grow();
    const at = (this.#start + this.#count) % this.#lastIndexes.length;
    this.#lastIndexes[at] = lastIndex;
    this.#sizes[at] = bytes;
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** Drops the messages whose entries are acknowledged up to `index`. */
  freeUpTo(index: number): void {
    while (this.#count > 0 && this.#lastIndexes[this.#start]! <= index) {
      this.#bytes -= this.#sizes[this.#start]!;
      this.#start = (this.#start + 1) % this.#lastIndexes.length;
      this.#count -= 1;
    }
  }

  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #grow(): void {
    const length = Math.max(8, this.#lastIndexes.length * 2);
    const ring = (from: readonly number[]) =>
      Array.from({ length }, (_, at) => (at < this.#count ? from[(this.#start + at) % from.length]! : 0));
    this.#lastIndexes = ring(this.#lastIndexes);
    this.#sizes = ring(this.#sizes);
    this.#start = 0;
  }
}
