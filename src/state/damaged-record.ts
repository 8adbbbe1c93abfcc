import { mayRead } from '../access/authorise';
import type { Policy } from '../access/policy';
import { type Actor, isRoot } from '../domain/principal';
import { type Bound, liesIn } from '../domain/scope';
import { labelsOf, scopedOf } from './apply-context';
import type { Interning } from './interning';
import type { Record } from './record';

/**
 * Whether somebody may hear that a record is damaged: who might read it, by its labels as they stand. Everybody else is told what
 * is told of a memory that is not there.
 */
export function mayHearOf(
  context: { readonly policy: Policy; readonly interning: Interning },
  record: Record,
  actor: Actor,
  bound: Bound,
): boolean {
  if (isRoot(actor)) return true;
  if (context.interning.describe(record) === undefined) return false;
  try {
    return mayRead(context.policy, actor, labelsOf(context, record)) && liesIn(bound, scopedOf(context, record));
  } catch {
    // Its tags are no JSON any more.
    return false;
  }
}
