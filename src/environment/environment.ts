import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { invalidInput } from '../domain/errors';
import { toEpochMs } from '../domain/parse/shapes';

/** Told of what a caller cannot be told: an index that is rebuilt, a checkpoint that failed. Never of texts. */
export interface Logger {
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
}

/** Everything that is not a function of its input: time, randomness, and a voice. */
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

/** A clock that is read in whole milliseconds, as they are stored. */
function wholeMilliseconds(clock: Clock): Clock {
  return {
    now: () => {
      const now = toEpochMs(clock.now());
      if (now !== undefined) return now;
      throw invalidInput(
        [{ path: ['clock'], message: 'gave no moment: now() must return epoch milliseconds.' }],
        'options',
      );
    },
  };
}

// An index of ids with longer ones would be a burden for every write.
const longestId = 512;

function checkedIds(newId: () => string): () => string {
  return () => {
    const id: unknown = newId();
    if (typeof id === 'string' && id !== '' && id.isWellFormed() && id.length <= longestId) return id;
    const message = `gave no id: it must return a string of 1 to ${longestId} characters.`;
    throw invalidInput([{ path: ['newId'], message }], 'options');
  };
}

/**
 * The machine's clock and randomness, where the host brings none of its own. Ids are UUIDv7 (RFC 9562) whose bits beside the
 * time are all random: a counter within a millisecond would tell one agent how much the others write.
 */
export function systemEnvironment(own: Partial<Environment> = {}): Environment {
  const clock = wholeMilliseconds(own.clock ?? systemClock);
  return {
    clock,
    newId:
      own.newId === undefined ? () => uuidv7({ msecs: clock.now(), random: randomBytes(16) }) : checkedIds(own.newId),
    randomBytes: own.randomBytes ?? randomBytes,
    logger: own.logger ?? silent,
  };
}

/** Epoch milliseconds. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
