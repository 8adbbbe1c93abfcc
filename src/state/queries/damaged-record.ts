import { mayRead } from '../../access/authorise';
import type { Policy } from '../../access/policy';
import { type Actor, isRoot } from '../../domain/principal';
import { isInScope, type ParsedScope } from '../../domain/scope';
import type { ReadonlyInterning } from '../tables/interning';
import { type MemoryRow, memoryLabelsOf, scopedFieldsOfRow } from '../tables/memory-row';

/**
 * Checks whether an actor may learn that a record is damaged. This requires that the labels which the damaged record has now allow the
 * actor to read the memory. To any other actor the memory seems not to exist.
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
    // The tags are damaged too: they are not JSON any more.
    return false;
  }
}
