import { isClearance, type StoredDeclaration } from '../domain/declaration';
import type { Namespace } from '../domain/namespace';
import { type Actor, isRoot, sameActor } from '../domain/principal';
import type { Action } from '../domain/rule';
import { decide, decidingRules, declaredAt, isCleared, type MemoryLabels, mayChange } from './authorise';
import type { Policy } from './policy';

/** Why a decision falls as it does. */
export type DecisionReason =
  | 'allowed'
  /** Update or forget of what it wrote itself, which `write` allows. */
  | 'own memory'
  | 'root'
  | 'no rule allows'
  | 'denied'
  | 'not cleared'
  | 'private to another author';

/** A decision with what decided it. */
export interface ExplainedDecision {
  readonly allowed: boolean;
  readonly reason: DecisionReason;
  readonly deciding: readonly StoredDeclaration[];
}

/** Decides whether an actor may do something in a namespace. */
export function explainIn(policy: Policy, actor: Actor, action: Action, namespace: Namespace): ExplainedDecision {
  if (isRoot(actor)) return { allowed: true, reason: 'root', deciding: [] };
  const decision = decide(policy, actor, action, namespace);
  const deciding = decidingRules(policy, actor, action, namespace);
  if (decision === 'allow') return { allowed: true, reason: 'allowed', deciding };
  // What one half is allowed decides nothing where nothing allows the other.
  return decision === 'deny'
    ? { allowed: false, reason: 'denied', deciding }
    : { allowed: false, reason: 'no rule allows', deciding: [] };
}

/** Decides whether an actor may do something to a memory: what it may not read, it may do nothing to. */
export function explainMemory(policy: Policy, actor: Actor, action: Action, labels: MemoryLabels): ExplainedDecision {
  if (isRoot(actor)) return { allowed: true, reason: 'root', deciding: [] };
  const { namespace, accessTags, privateTo, author } = labels;
  if (privateTo !== undefined && !sameActor(privateTo, actor)) {
    return { allowed: false, reason: 'private to another author', deciding: [] };
  }
  const read = explainIn(policy, actor, 'read', namespace);
  if (!read.allowed) return read;
  if (!isCleared(policy, actor, accessTags, namespace)) return { allowed: false, reason: 'not cleared', deciding: [] };
  const clearing = accessTags.flatMap((tag) => clearances(policy, actor, tag, namespace));
  if (action === 'read') return { ...read, deciding: [...new Set([...read.deciding, ...clearing])] };
  const done = explainIn(policy, actor, action, namespace);
  const isChange = action === 'update' || action === 'forget';
  if (done.allowed || !isChange || !mayChange(policy, actor, action, labels)) return done;
  return {
    allowed: true,
    reason: sameActor(author, actor) ? 'own memory' : 'allowed',
    deciding: decidingRules(policy, actor, 'write', namespace),
  };
}

function clearances(policy: Policy, actor: Actor, tag: string, namespace: Namespace): StoredDeclaration[] {
  return declaredAt(policy, actor, namespace).filter(
    ({ declaration }) => isClearance(declaration) && declaration.clear === tag,
  );
}
