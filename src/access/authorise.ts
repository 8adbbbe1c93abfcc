import { LRUCache } from 'lru-cache';
import { isClearance, isRule, type StoredDeclaration } from '../domain/declaration';
import type { Namespace } from '../domain/namespace';
import { type Actor, isRoot, partiesOf, sameActor } from '../domain/principal';
import type { Action } from '../domain/rule';
import type { Policy } from './policy';
import { type ActionBits, bitsOf, type SubjectRules } from './policy';

/** The labels of a memory that access depends on. */
export interface MemoryLabels {
  readonly namespace: Namespace;
  readonly accessTags: readonly string[];
  /** The author of a private memory. Absent for a shared one. */
  readonly privateTo?: Actor;
  readonly author: Actor;
}

/** Actions on a memory that exists. */
export type MemoryAction = 'update' | 'forget' | 'share';

/** 'undecided': no rule allows the action, and none denies it. */
type Decision = 'allow' | 'deny' | 'undecided';

/** Whether the rules allow an action in a namespace: they must allow each party of the actor, and deny none. */
export function mayIn(policy: Policy, actor: Actor, action: Action, namespace: Namespace): boolean {
  return decide(policy, actor, action, namespace) === 'allow';
}

/** The rules of each party of an actor. Empty for root, which no rule binds. */
export type PartyRules = readonly (readonly SubjectRules[])[];

export function rulesOf(policy: Policy, actor: Actor): PartyRules {
  return partiesOf(actor).map((party) => policy.rulesFor(party));
}

/** 'deny' if a rule denies a party of the actor; 'undecided' if no rule does, and a party has no rule that allows. */
export function decide(policy: Policy, actor: Actor, action: Action, namespace: Namespace): Decision {
  return decideBy(rulesOf(policy, actor), bitsOf([action]), namespace);
}

/** As `decide`, with the rules looked up before: for decisions about many namespaces. */
export function decideBy(rules: PartyRules, action: ActionBits, namespace: Namespace): Decision {
  let decision: Decision = 'allow';
  for (const ofParty of rules) {
    const one = decideFor(ofParty, action, namespace);
    if (one === 'deny') return 'deny';
    if (one === 'undecided') decision = 'undecided';
  }
  return decision;
}

function decideFor(rules: readonly SubjectRules[], action: ActionBits, namespace: Namespace): Decision {
  let decision: Decision = 'undecided';
  for (const each of rules) {
    const one = each.decide(action, namespace);
    if (one === 'deny') return 'deny';
    if (one === 'allow') decision = 'allow';
  }
  return decision;
}

/** Whether each party of the actor has a clearance for every one of the access tags in a namespace. */
export function isCleared(policy: Policy, actor: Actor, accessTags: readonly string[], namespace: Namespace): boolean {
  return accessTags.length === 0 || isClearedBy(rulesOf(policy, actor), accessTags, namespace);
}

/** As `isCleared`, with the rules looked up before: for decisions about many namespaces. */
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
 * Whether the actor may update, forget or share a memory that it may read. `write` lets an author update and forget its own
 * memories, unless a rule denies the action itself: where an allow and a deny conflict, the deny wins.
 */
export function mayChange(policy: Policy, actor: Actor, action: MemoryAction, labels: MemoryLabels): boolean {
  const decision = decide(policy, actor, action, labels.namespace);
  if (decision !== 'undecided') return decision === 'allow';
  return action !== 'share' && sameActor(labels.author, actor) && mayIn(policy, actor, 'write', labels.namespace);
}

/** The rules that decide an action in a namespace: those that deny it or, if there are none, those that allow it. */
export function decidingRules(policy: Policy, actor: Actor, action: Action, namespace: Namespace): StoredDeclaration[] {
  const matching = declaredAt(policy, actor, namespace).filter(
    ({ declaration }) => isRule(declaration) && policy.actionsOf(declaration.actions).includes(action),
  );
  const denying = matching.filter(({ declaration }) => isRule(declaration) && declaration.effect === 'deny');
  return denying.length > 0 ? denying : matching;
}

/** The declarations about a party of the actor at a namespace or above, each once. */
export function declaredAt(policy: Policy, actor: Actor, namespace: Namespace): StoredDeclaration[] {
  const rules = new Set(rulesOf(policy, actor).flat());
  return [...rules].flatMap((each) => each.at(namespace));
}

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
