import { mayRead } from '../../access/authorise';
import type { Policy } from '../../access/policy';
import { type Actor, isRoot } from '../../domain/principal';
import { isInScope, type ParsedScope } from '../../domain/scope';
import type { Interning } from '../tables/interning';
import { type MemoryRow, memoryLabelsOf, scopedFieldsOfRow } from '../tables/memory-row';

/**
 * Whether somebody may hear that a record is damaged: who might read it, by its labels as they stand. Everybody else is told what
 * is told of a memory that is not there.
 */
export function mayHearOf(
  context: { readonly policy: Policy; readonly interning: Interning },
  record: MemoryRow,
  actor: Actor,
  scope: ParsedScope,
): boolean {
  if (isRoot(actor)) return true;
  if (context.interning.describe(record) === undefined) return false;
  try {
    return (
      mayRead(context.policy, actor, memoryLabelsOf(context, record)) &&
      isInScope(scope, scopedFieldsOfRow(context, record))
    );
  } catch {
    // Its tags are no JSON any more.
    return false;
  }
}
