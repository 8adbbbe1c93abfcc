import { contains, type Namespace } from '../domain/namespace';
import { type Actor, isRoot, type Party, partiesOf, sameActor } from '../domain/principal';
import type { Action } from '../domain/rule';
import type { Policy } from './policy';

/** What access depends on, of one memory. */
export interface Labels {
  readonly namespace: Namespace;
  readonly accessTags: readonly string[];
  /** Whose private memory it is; absent for a shared one. */
  readonly privateTo?: Actor;
  readonly author: Actor;
}

type Decision = 'allow' | 'deny' | 'silent';

/** Whether the actor may do something in a namespace: each of its parties must be allowed, and none denied. */
export function mayIn(policy: Policy, actor: Actor, action: Action, namespace: Namespace): boolean {
  return decide(policy, actor, action, namespace) === 'allow';
}

function decide(policy: Policy, actor: Actor, action: Action, namespace: Namespace): Decision {
  if (isRoot(actor)) return 'allow';
  const decisions = partiesOf(actor).map((party) => decideFor(policy, party, action, namespace));
  if (decisions.includes('deny')) return 'deny';
  return decisions.includes('silent') ? 'silent' : 'allow';
}

function decideFor(policy: Policy, party: Party, action: Action, namespace: Namespace): Decision {
  let decision: Decision = 'silent';
  for (const rule of policy.rulesFor(party)) {
    if (!rule.actions.has(action) || !contains(rule.at, namespace)) continue;
    if (rule.effect === 'deny') return 'deny';
    decision = 'allow';
  }
  return decision;
}

/** Whether the actor is cleared for all access tags. Nobody can be cleared yet but root, who always is. */
export function isCleared(actor: Actor, accessTags: readonly string[]): boolean {
  return accessTags.length === 0 || isRoot(actor);
}

/** Whether the actor may read a memory with these labels. */
export function mayRead(policy: Policy, actor: Actor, labels: Labels): boolean {
  if (isRoot(actor)) return true;
  if (labels.privateTo !== undefined && !sameActor(labels.privateTo, actor)) return false;
  return isCleared(actor, labels.accessTags) && mayIn(policy, actor, 'read', labels.namespace);
}

/**
 * Whether the actor may update or forget a memory. For its own, `write` is enough, unless the action itself is denied: the
 * stricter reading of two rules that disagree.
 */
export function mayChange(policy: Policy, actor: Actor, action: 'update' | 'forget', labels: Labels): boolean {
  const decision = decide(policy, actor, action, labels.namespace);
  if (decision !== 'silent') return decision === 'allow';
  return sameActor(labels.author, actor) && mayIn(policy, actor, 'write', labels.namespace);
}
