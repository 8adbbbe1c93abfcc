import type { Stamp } from '../domain/command';
import type { Author, WriteContext } from './write-context';

/** Fixes what `apply` may not look for: who, when, and the randomness that pseudonyms are made of. */
export function stampOf(
  { clock, seeds }: Pick<WriteContext, 'clock' | 'seeds'>,
  { actor, scope, request }: Author,
  at = clock.now(),
): Stamp {
  const stamp = { at, by: actor, scope, seed: seeds.next() };
  return request === undefined ? stamp : { ...stamp, request };
}
