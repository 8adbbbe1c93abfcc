import { LRUCache } from 'lru-cache';
import { isClearance, type StoredDeclaration } from '../domain/declaration';
import type { Namespace } from '../domain/namespace';
import { type Actor, isRoot, sameActor } from '../domain/principal';
import type { Action } from '../domain/rule';
import { decide, decidingRules, declaredAt, isCleared, type MemoryLabels, mayChange } from './authorise';
import type { Policy } from './policy';

/** Why an action is allowed or refused. */
export type DecisionReason =
  /** A rule allows the action. */
  | 'allowed'
  /** The principal is the author of the memory, and `write` allows authors to update and forget. */
  | 'own memory'
  /** The principal is root, which no rule binds. */
  | 'root'
  /** No rule allows the action. */
  | 'no rule allows'
  /** A rule denies the action. */
  | 'denied'
  /** The principal lacks a clearance for an access tag of the memory. */
  | 'not cleared'
  /** The memory is private to another author. */
  | 'private to another author';

/** A decision with its reason and the declarations that decided it. */
export interface ExplainedDecision {
  readonly allowed: boolean;
  readonly reason: DecisionReason;
  readonly deciding: readonly StoredDeclaration[];
}

/** Decides whether an actor may take an action in a namespace. */
export function explainIn(policy: Policy, actor: Actor, action: Action, namespace: Namespace): ExplainedDecision {
  if (isRoot(actor)) return { allowed: true, reason: 'root', deciding: [] };
  const decision = decide(policy, actor, action, namespace);
  const deciding = decidingRules(policy, actor, action, namespace);
  if (decision === 'allow') return { allowed: true, reason: 'allowed', deciding };
  // For an agent on behalf of a user, rules that allow only one of the two decide nothing.
  return decision === 'deny'
    ? { allowed: false, reason: 'denied', deciding }
    : { allowed: false, reason: 'no rule allows', deciding: [] };
}

/** Decides whether an actor may take an action on a memory. Every action requires that the actor may read the memory. */
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
  const decision = explainIn(policy, actor, action, namespace);
  const isChange = action === 'update' || action === 'forget';
  if (decision.allowed || !isChange || !mayChange(policy, actor, action, labels)) return decision;
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

const maxCachedDecisions = 10_000;

/** Caches the ids of the declarations that decide, while the policy stays the same: the audit looks them up for each entry. */
export class DecidingRuleCache {
  #policy: Policy | undefined;
  readonly #ids = new LRUCache<string, readonly string[]>({ max: maxCachedDecisions });

  /** The ids of the declarations that decide an action on memories with these labels, as if the actor were their author. */
  idsFor(
    policy: Policy,
    actor: Actor,
    action: Action,
    namespace: Namespace,
    accessTags: readonly string[] = [],
  ): readonly string[] {
    if (isRoot(actor)) return [];
    if (this.#policy !== policy) this.#ids.clear();
    this.#policy = policy;
    const key = JSON.stringify([actor, action, namespace, accessTags]);
    const cached = this.#ids.get(key);
    if (cached !== undefined) return cached;
    const isMemoryAction = action === 'read' || action === 'update' || action === 'forget' || action === 'share';
    const { deciding } = isMemoryAction
      ? explainMemory(policy, actor, action, { namespace, accessTags, author: actor })
      : explainIn(policy, actor, action, namespace);
    const ids = [...new Set(deciding.map(({ id }) => id))];
    this.#ids.set(key, ids);
    return ids;
  }
}
