import type { Command, Outcome } from '../domain/command';
import type { WriteContext } from './write-context';

type Success<T extends Command['type']> = Extract<Outcome, { ok: true; type: T }>;

/** Hands a command to the log and waits until it is durable. A refusal is thrown. */
export async function propose<T extends Command['type']>(
  { log }: Pick<WriteContext, 'log'>,
  command: Command & { readonly type: T },
): Promise<Success<T>> {
  const outcome = await log.propose(command);
  if (!outcome.ok) throw outcome.error;
  return outcome as Success<T>;
}
