import { mayRead } from '../access/authorise';
import type { Memory } from '../domain/memory';
import { liesIn } from '../domain/scope';
import { labelsOf, scopedOf } from '../state/apply-context';
import { memoryOf, type Record } from '../state/record';
import type { ReadContext, Reader } from './read-context';

/** Whether a record may leave the store towards this reader: decided from its labels alone, whatever found it. */
export function mayLeave({ truth }: Pick<ReadContext, 'truth'>, { actor, bound }: Reader, record: Record): boolean {
  return mayRead(truth.policy, actor, labelsOf(truth, record)) && liesIn(bound, scopedOf(truth, record));
}

/** The memory, if it may leave. A compiled filter let it through, so that a refusal here is counted. */
export function rechecked(context: ReadContext, reader: Reader, record: Record): Memory | undefined {
  if (mayLeave(context, reader, record)) return memoryOf(record, context.truth.interning);
  context.recheckRejected();
  return undefined;
}
