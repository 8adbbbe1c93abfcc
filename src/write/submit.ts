import type { Change, ChunkVectors, Command, Outcome, Stamp } from '../domain/command';
import { defined } from '../domain/defined';
import { MemoryError } from '../domain/errors';
import { root } from '../domain/principal';
import { isSameSpace } from '../embedding/space-embedder';
import type { Author, WriteContext } from './write-context';

/** The author of commands that the store itself submits: the host, without a scope. */
export const host: Author = { actor: root, scope: {} };

type Accepted<T extends Command['type']> = Extract<Outcome, { ok: true; type: T }>;

/**
 * Adds a stamp to a command, passes the command to the log, and resolves when its changes are durable. The stamp contains the time, the
 * author, the quotas, and random bytes for the audit's pseudonyms (codes that stand for names). It is needed because `apply` uses no clock and no
 * randomness.
 *
 * @param at The time of the change, in epoch milliseconds. Default: now.
 * @throws the error with which `apply` refused the change
 */
export async function submit<T extends Command['type']>(
  { log, clock, seeds, quotas }: Pick<WriteContext, 'log' | 'clock' | 'seeds' | 'quotas'>,
  { actor, scope, request }: Author,
  change: Change & { readonly type: T },
  at = clock.now(),
): Promise<Accepted<T>> {
  const stamp: Stamp = { at, by: actor, scope, seed: seeds.next(), ...defined({ quotas, request }) };
  const outcome = await log.propose({ ...change, stamp });
  if (!outcome.ok) throw outcome.error;
  return outcome as Accepted<T>;
}

/**
 * Checks whether `apply` refused a change because the store had switched to another embedding space after the vectors were made. In
 * this case the vectors can be made again for the new space.
 */
export function isOutdated(
  { embedder }: Pick<WriteContext, 'embedder'>,
  embedded: ChunkVectors | undefined,
  error: unknown,
): boolean {
  const isMismatch = MemoryError.is(error) && error.code === 'EMBEDDER_MISMATCH';
  return isMismatch && embedded !== undefined && !isSameSpace(embedded.space, embedder.space);
}
