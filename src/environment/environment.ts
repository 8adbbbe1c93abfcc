import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { invalidInput } from '../domain/errors';
import { hiddenIssue, normalName } from '../domain/names';
import { toEpochMs } from '../domain/parse/shapes';

/** The clock of a store. */
export interface Clock {
  /** Returns the time in epoch milliseconds. */
  now(): number;
}

/** The clock of the machine. */
export const systemClock: Clock = { now: () => Date.now() };

/** Receives warnings that cannot be returned to a caller, for example that a checkpoint failed. It never receives the text of a memory. */
export interface Logger {
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
}

/** Everything on which the behaviour of a store depends, apart from its input: time, randomness, ids, and a logger. */
export interface Environment {
  readonly clock: Clock;
  newId(): string;
  randomBytes(length: number): Uint8Array;
  readonly logger: Logger;
}

const silent: Logger = { warn: () => undefined };

function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

const seedBytes = 16;
// One call for many random bytes takes as long as one call for a few.
const seedsPerCall = 256;

/** Makes random seeds of 16 bytes. Each id and each command needs one. No two seeds share bytes. */
export class Seeds {
  readonly #randomBytes: (length: number) => Uint8Array;
  #bytes: Uint8Array = new Uint8Array();
  #used = 0;

  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  next(): Uint8Array {
    if (this.#used === this.#bytes.length) {
      this.#bytes = this.#randomBytes(seedBytes * seedsPerCall);
      this.#used = 0;
    }
    this.#used += seedBytes;
    return this.#bytes.subarray(this.#used - seedBytes, this.#used);
  }
}

/**
 * Makes a clock that returns whole milliseconds, which is how times are stored. It throws INVALID_INPUT if the given clock returns
 * something else.
 */
function wholeMilliseconds(clock: Clock): Clock {
  return {
    now: () => {
      const now = toEpochMs(clock.now());
      if (now !== undefined) return now;
      throw invalidInput(
        [{ path: ['clock'], message: 'expected now() to return epoch milliseconds, got something else.' }],
        'options',
      );
    },
  };
}

// Longer ids would make the index of ids slow for every write.
const maxIdLength = 512;

function checkedIds(newId: () => string): () => string {
  return () => {
    const id: unknown = newId();
    const isValid = typeof id === 'string' && id !== '' && id.isWellFormed() && id.length <= maxIdLength;
    // Ids are compared as they are, so two that look the same must be equal.
    if (isValid && normalName(id) === id && hiddenIssue(id) === undefined) return id;
    const message = `expected a string of 1 to ${maxIdLength} characters from newId(), in Unicode's normal form NFC and without hidden characters, got something else.`;
    throw invalidInput([{ path: ['newId'], message }], 'options');
  };
}

/**
 * Makes the environment of a store: the parts that the host passes, and the clock and randomness of the machine for the rest. Ids
 * are UUIDv7 (RFC 9562). All bits after the time are random, because a counter within a millisecond would reveal to one agent how
 * much other agents write.
 */
export function systemEnvironment(own: Partial<Environment> = {}): Environment {
  const clock = wholeMilliseconds(own.clock ?? systemClock);
  const seeds = new Seeds(randomBytes);
  return {
    clock,
    newId: own.newId === undefined ? () => uuidv7({ msecs: clock.now(), random: seeds.next() }) : checkedIds(own.newId),
    randomBytes: own.randomBytes ?? randomBytes,
    logger: own.logger ?? silent,
  };
}
