import { isRule, type StoredDeclaration } from '../domain/declaration';
import type { Namespace } from '../domain/namespace';
import { type Actor, isRoot, partiesOf, sameActor } from '../domain/principal';
import type { Action } from '../domain/rule';
import type { Policy } from './policy';
import { type ActionBits, bitsOf, type SubjectRules } from './subject-rules';

/** What access depends on, of one memory. */
export interface MemoryLabels {
  readonly namespace: Namespace;
  readonly accessTags: readonly string[];
  /** Whose private memory it is; absent for a shared one. */
  readonly privateTo?: Actor;
  readonly author: Actor;
}

/** What can be done to a memory that is there. */
export type MemoryAction = 'update' | 'forget' | 'share';

type Decision = 'allow' | 'deny' | 'silent';

/** Whether the actor may do something in a namespace: each of its parties must be allowed, and none denied. */
export function mayIn(policy: Policy, actor: Actor, action: Action, namespace: Namespace): boolean {
  return decide(policy, actor, action, namespace) === 'allow';
}

/** The rules of each party of an actor: none for root, whom no rule binds. */
export type PartyRules = readonly (readonly SubjectRules[])[];

export function rulesOf(policy: Policy, actor: Actor): PartyRules {
  return partiesOf(actor).map((party) => policy.rulesFor(party));
}

/** 'deny' where a rule denies either party, 'silent' where none does and no rule allows one of them. */
export function decide(policy: Policy, actor: Actor, action: Action, namespace: Namespace): Decision {
  return decideBy(rulesOf(policy, actor), bitsOf([action]), namespace);
}

/** The same, for who asks about many namespaces. */
export function decideBy(rules: PartyRules, action: ActionBits, namespace: Namespace): Decision {
  let decision: Decision = 'allow';
  for (const ofParty of rules) {
    const one = decideFor(ofParty, action, namespace);
    if (one === 'deny') return 'deny';
    if (one === 'silent') decision = 'silent';
  }
  return decision;
}

function decideFor(rules: readonly SubjectRules[], action: ActionBits, namespace: Namespace): Decision {
  let decision: Decision = 'silent';
  for (const each of rules) {
    const one = each.decide(action, namespace);
    if (one === 'deny') return 'deny';
    if (one === 'allow') decision = 'allow';
  }
  return decision;
}

/** Whether each party of the actor is cleared for all access tags in a namespace. */
export function isCleared(policy: Policy, actor: Actor, accessTags: readonly string[], namespace: Namespace): boolean {
  return accessTags.length === 0 || isClearedBy(rulesOf(policy, actor), accessTags, namespace);
}

/** The same, for who asks about many namespaces. */
export function isClearedBy(rules: PartyRules, accessTags: readonly string[], namespace: Namespace): boolean {
  return accessTags.every((tag) => rules.every((ofParty) => ofParty.some((each) => each.isCleared(tag, namespace))));
}

/** Whether the actor may read a memory with these labels. */
export function mayRead(policy: Policy, actor: Actor, labels: Omit<MemoryLabels, 'author'>): boolean {
  if (isRoot(actor)) return true;
  if (labels.privateTo !== undefined && !sameActor(labels.privateTo, actor)) return false;
  const { accessTags, namespace } = labels;
  return isCleared(policy, actor, accessTags, namespace) && mayIn(policy, actor, 'read', namespace);
}

/**
 * Whether the actor may do that to a memory that it may read. To update or forget its own, `write` is enough, unless the action
 * itself is denied: the stricter reading of two rules that disagree.
 */
export function mayChange(policy: Policy, actor: Actor, action: MemoryAction, labels: MemoryLabels): boolean {
  const decision = decide(policy, actor, action, labels.namespace);
  if (decision !== 'silent') return decision === 'allow';
  return action !== 'share' && sameActor(labels.author, actor) && mayIn(policy, actor, 'write', labels.namespace);
}

/** The rules that decide about an action in a namespace: those that deny it, or where none does those that allow it. */
export function decidingRules(policy: Policy, actor: Actor, action: Action, namespace: Namespace): StoredDeclaration[] {
  const matching = declaredAt(policy, actor, namespace).filter(
    ({ declaration }) => isRule(declaration) && policy.actionsOf(declaration.actions).includes(action),
  );
  const denying = matching.filter(({ declaration }) => isRule(declaration) && declaration.effect === 'deny');
  return denying.length > 0 ? denying : matching;
}

/** Everything that is declared about either party of an actor at a namespace or above, each once. */
export function declaredAt(policy: Policy, actor: Actor, namespace: Namespace): StoredDeclaration[] {
  const rules = new Set(rulesOf(policy, actor).flat());
  return [...rules].flatMap((each) => each.at(namespace));
}
