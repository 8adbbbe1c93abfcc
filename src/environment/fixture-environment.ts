import { type Environment, systemEnvironment } from './environment';
import { fakeClock } from './fake-clock';

/**
 * The same clock, ids and bytes in every run: a clock that begins with 2026 and moves a millisecond with every reading, and
 * ids that count. What the host brings takes the place of each.
 */
export function fixtureEnvironment(own: Partial<Environment> = {}): Environment {
  let ids = 0;
  return systemEnvironment({
    clock: fakeClock(undefined, 1),
    newId: () => `00000000-0000-7000-8000-${(++ids).toString(16).padStart(12, '0')}`,
    randomBytes: (length) => new Uint8Array(length).fill(7),
    ...own,
  });
}
