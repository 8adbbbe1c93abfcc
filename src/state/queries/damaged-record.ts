import { mayRead } from '../../access/authorise';
import type { Policy } from '../../access/policy';
import { type Actor, isRoot } from '../../domain/principal';
import { isInScope, type ParsedScope } from '../../domain/scope';
import type { ReadonlyInterning } from '../tables/interning';
import { type MemoryRow, memoryLabelsOf, scopedFieldsOfRow } from '../tables/memory-row';

/**
 * Whether an actor may learn that a record is damaged: only if it may read the memory by the labels that the record carries now.
 * For any other actor the memory looks as if it did not exist.
 */
export function mayKnowOfDamage(
  context: { readonly policy: Policy; readonly interning: ReadonlyInterning },
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
    // The damage reached the tags: they are no longer JSON.
    return false;
  }
}
