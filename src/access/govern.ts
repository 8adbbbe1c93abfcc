import { type Declaration, isClearance, isRole, isRule, type Role, refersTo } from '../domain/declaration';
import type { Namespace } from '../domain/namespace';
import { type Actor, isRoot, partiesOf } from '../domain/principal';
import type { Action } from '../domain/rule';
import type { ParsedScope } from '../domain/scope';
import { isInScope } from '../domain/scope';
import { isCleared, mayIn } from './authorise';
import type { Policy } from './policy';
import { bitsOf } from './subject-rules';

/** Who changes rules, and inside which bounds. */
export interface Governor {
  readonly actor: Actor;
  readonly scope: ParsedScope;
}

const everywhere: Namespace = [];

/**
 * Whether somebody may make a declaration, or end it. A rule takes `administer` at its namespace and each action that it is
 * about, and nothing there or below that denies one of them to who makes it; a clearance takes `administer` and that clearance. A
 * role or a group takes `administer` in the whole store, and all that the rules that name it take: who changes what a name
 * stands for changes each of them.
 */
export function mayDeclare(policy: Policy, governor: Governor, declaration: Declaration): boolean {
  if (isRule(declaration)) {
    return holds(policy, governor, ['administer', ...policy.actionsOf(declaration.actions)], declaration.at);
  }
  if (isClearance(declaration)) {
    const { clear, at } = declaration;
    return holds(policy, governor, ['administer'], at) && isCleared(policy, governor.actor, [clear], at);
  }
  const own = isRole(declaration) ? declaration.actions : [];
  if (!holds(policy, governor, ['administer', ...own], everywhere)) return false;
  return [...policy.declared.values()]
    .map((each) => each.declaration)
    .filter((each) => refersTo(each, declaration))
    .every((each) => mayDeclare(policy, governor, each) && mayDeclare(policy, governor, as(each, declaration)));
}

/** Whether somebody may look at a declaration. */
export function maySee(policy: Policy, { actor, scope }: Governor, declaration: Declaration): boolean {
  const at = 'at' in declaration ? declaration.at : everywhere;
  return isInBound(scope, at) && mayIn(policy, actor, 'administer', at);
}

function holds(policy: Policy, { actor, scope }: Governor, some: readonly Action[], at: Namespace): boolean {
  if (!isInBound(scope, at)) return false;
  if (isRoot(actor)) return true;
  const bits = bitsOf(some);
  return (
    some.every((action) => mayIn(policy, actor, action, at)) &&
    partiesOf(actor).every((party) => policy.rulesFor(party).every((rules) => !rules.deniesBelow(bits, at)))
  );
}

/** Whether a scope holds a namespace whole: a rule reaches everything there, so that one that binds anything else holds none. */
export function isInBound(scope: ParsedScope, at: Namespace): boolean {
  return isInScope(scope, { namespace: at, tags: [] });
}

/** A rule as it would be with the role made anew. */
function as(rule: Declaration, named: Declaration): Declaration {
  return isRole(named) ? { ...rule, actions: (named as Role).actions } : rule;
}
