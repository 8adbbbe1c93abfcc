import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type Clock, systemClock } from './clock';

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

/**
 * The machine's clock and randomness, where the host brings none of its own. Ids are UUIDv7 (RFC 9562) whose bits beside the
 * time are all random: a counter within a millisecond would tell one agent how much the others write.
 */
export function systemEnvironment(own: Partial<Environment> = {}): Environment {
  const clock = own.clock ?? systemClock;
  return {
    clock,
    newId: own.newId ?? (() => uuidv7({ msecs: clock.now(), random: randomBytes(16) })),
    randomBytes: own.randomBytes ?? randomBytes,
    logger: own.logger ?? silent,
  };
}
