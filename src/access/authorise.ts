import { LRUCache } from 'lru-cache';
import { isClearance, isRule, type StoredDeclaration } from '../domain/declaration';
import type { MemoryState } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import { type Actor, isRoot, partiesOf, sameActor } from '../domain/principal';
import type { Action } from '../domain/rule';
import type { Policy } from './policy';
import { type ActionBits, bitsOf, type SubjectRules } from './policy';

/** The labels of a memory, on which access to it depends. */
export interface MemoryLabels {
  readonly namespace: Namespace;
  readonly accessTags: readonly string[];
  /** The author of a private memory. Absent for a shared one. */
  readonly privateTo?: Actor;
  readonly author: Actor;
}

/** Checks whether an actor may read memories in a state, as far as the state decides. To any other actor they seem not to exist. */
export function mayReadState(actor: Actor, state: MemoryState | 'forgotten'): boolean {
  return state !== 'quarantined' || isRoot(actor);
}

/** Actions on a memory that exists. */
export type MemoryAction = 'update' | 'forget' | 'share' | 'consolidate';

/** 'undecided': no rule allows the action, and none denies it. */
type Decision = 'allow' | 'deny' | 'undecided';

/**
 * Checks whether the rules allow an action in a namespace. The parties of an actor are the agent or service and, if it acts on behalf of
 * a user, that user. The rules must allow each party and deny none.
 */
export function mayIn(policy: Policy, actor: Actor, action: Action, namespace: Namespace): boolean {
  return decide(policy, actor, action, namespace) === 'allow';
}

/** The rules about each party of an actor. Empty for root, because rules do not apply to it. */
export type PartyRules = readonly (readonly SubjectRules[])[];

export function rulesOf(policy: Policy, actor: Actor): PartyRules {
  return partiesOf(actor).map((party) => policy.rulesFor(party));
}

/** Decides about an action: 'deny' if a rule denies any party, 'undecided' if no rule allows one of the parties, otherwise 'allow'. */
export function decide(policy: Policy, actor: Actor, action: Action, namespace: Namespace): Decision {
  return decideBy(rulesOf(policy, actor), bitsOf([action]), namespace);
}

/** Like `decide`, but takes rules that were already looked up. This is faster for decisions about many namespaces. */
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

/** Checks whether each party of the actor has a clearance for all the access tags in a namespace. */
export function isCleared(policy: Policy, actor: Actor, accessTags: readonly string[], namespace: Namespace): boolean {
  return accessTags.length === 0 || isClearedBy(rulesOf(policy, actor), accessTags, namespace);
}

/** Like `isCleared`, but takes rules that were already looked up. This is faster for decisions about many namespaces. */
export function isClearedBy(rules: PartyRules, accessTags: readonly string[], namespace: Namespace): boolean {
  return accessTags.every((tag) => rules.every((ofParty) => ofParty.some((each) => each.isCleared(tag, namespace))));
}

/** Checks whether the actor may read a memory with these labels. */
export function mayRead(policy: Policy, actor: Actor, labels: Omit<MemoryLabels, 'author'>): boolean {
  if (isRoot(actor)) return true;
  if (labels.privateTo !== undefined && !sameActor(labels.privateTo, actor)) return false;
  const { accessTags, namespace } = labels;
  return isCleared(policy, actor, accessTags, namespace) && mayIn(policy, actor, 'read', namespace);
}

/**
 * Checks whether the actor may update, forget, share or consolidate a memory that it may read. With `write`, authors may also update and forget their
 * own memories, unless a rule denies the action itself. If one rule allows and another denies, the deny wins.
 */
export function mayChange(policy: Policy, actor: Actor, action: MemoryAction, labels: MemoryLabels): boolean {
  const decision = decide(policy, actor, action, labels.namespace);
  if (decision !== 'undecided') return decision === 'allow';
  return belongsToAuthor(action) && sameActor(labels.author, actor) && mayIn(policy, actor, 'write', labels.namespace);
}

/** Whether `write` allows an author to do this to its own memories. */
export function belongsToAuthor(action: Action): action is 'update' | 'forget' {
  return action === 'update' || action === 'forget';
}

/** Lists the rules that decide about an action in a namespace: those that deny it or, if no rule does, those that allow it. */
export function decidingRules(policy: Policy, actor: Actor, action: Action, namespace: Namespace): StoredDeclaration[] {
  const matching = declaredAt(policy, actor, namespace).filter(
    ({ declaration }) => isRule(declaration) && policy.actionsOf(declaration.actions).includes(action),
  );
  const denying = matching.filter(({ declaration }) => isRule(declaration) && declaration.effect === 'deny');
  return denying.length > 0 ? denying : matching;
}

/** Lists the declarations about a party of the actor, in a namespace and those above it. Each appears only once. */
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
  /** The principal is root. Rules do not apply to it. */
  | 'root'
  /** No rule allows the action. */
  | 'no rule allows'
  /** A rule denies the action. */
  | 'denied'
  /** The principal lacks a clearance for an access tag of the memory. */
  | 'not cleared'
  /** The memory is private to another author. */
  | 'private to another author';

/** A decision, with its reason and the declarations on which it is based. */
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
  // If an agent acts on behalf of a user, rules that allow only one of the two are not enough, so they are not listed.
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
  if (decision.allowed || !belongsToAuthor(action) || !mayChange(policy, actor, action, labels)) return decision;
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

const memoryActions: ReadonlySet<Action> = new Set(['read', 'update', 'forget', 'share', 'consolidate']);

/** Caches the ids of deciding declarations while the policy stays the same, because the audit needs them for each entry. */
export class DecidingRuleCache {
  #policy: Policy | undefined;
  readonly #ids = new LRUCache<string, readonly string[]>({ max: maxCachedDecisions });

  /** Returns the ids of the declarations that decide about an action on memories with these labels, as if the actor were their author. Sorted. */
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
    const isMemoryAction = memoryActions.has(action);
    const { deciding } = isMemoryAction
      ? explainMemory(policy, actor, action, { namespace, accessTags, author: actor })
      : explainIn(policy, actor, action, namespace);
    // A policy that has changed has its rules in another order than one that was read from the tables. The audit must not show that.
    const ids = [...new Set(deciding.map(({ id }) => id))].sort();
    this.#ids.set(key, ids);
    return ids;
  }
}
