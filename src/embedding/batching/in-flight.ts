import { onAbort } from './abort-listener';

/** A vector on its way, with those who wait for it. */
export class InFlight {
  readonly text: string;
  readonly landed: Promise<Float32Array>;
  /** Settles `landed`. The first call of the two counts. */
  land!: (vector: Float32Array) => void;
  fail!: (error: unknown) => void;
  /** Called when the last of those who waited has left. */
  onAbandoned: (() => void) | undefined;
  #waiting = 0;

  constructor(text: string) {
    this.text = text;
    this.landed = new Promise((resolve, reject) => {
      this.land = resolve;
      this.fail = reject;
    });
    // Those who wait hear of a failure; when nobody does any more, it is no unhandled rejection.
    this.landed.catch(() => undefined);
  }

  get isAwaited(): boolean {
    return this.#waiting > 0;
  }

  join(): void {
    this.#waiting++;
  }

  leave(): void {
    this.#waiting--;
    if (!this.isAwaited) this.onAbandoned?.();
  }
}

/** The vectors, in order. Rejects with the first failure, or at once with the signal's reason when it is aborted. */
export async function allLanded(
  found: readonly (Float32Array | InFlight)[],
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const flights = found.filter((one) => one instanceof InFlight);
  for (const flight of flights) flight.join();
  let stopListening: (() => void) | undefined;
  try {
    return await new Promise((resolve, reject) => {
      if (signal !== undefined) stopListening = onAbort(signal, () => reject(signal.reason));
      Promise.all(found.map((one) => (one instanceof InFlight ? one.landed : one))).then(resolve, reject);
    });
  } finally {
    stopListening?.();
    for (const flight of flights) flight.leave();
  }
}
