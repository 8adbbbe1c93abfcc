import {
  type Ceiling,
  canonicalText,
  type Declaration,
  isCeiling,
  isClearance,
  isRetention,
  isRole,
  isRule,
  type Role,
  refersTo,
} from '../domain/declaration';
import type { Namespace } from '../domain/namespace';
import { isRoot, partiesOf } from '../domain/principal';
import type { Action } from '../domain/rule';
import { type Caller, isInScope, type ParsedScope } from '../domain/scope';
import { trustLevelOf } from '../domain/trust';
import { isCleared, mayIn } from './authorise';
import { bitsOf, defaultCeiling, type Policy } from './policy';

const wholeStore: Namespace = [];

/**
 * Checks whether a caller may add or end a declaration. Callers can grant only what they have themselves:
 *
 * - A rule requires `administer` and each of the rule's actions at the rule's namespace, and no deny rule there or below that
 *   denies the caller one of them.
 * - A clearance requires `administer` at its namespace, and the same clearance.
 * - A ceiling requires `administer` at its namespace, and that the caller's own ceiling there is at least 'standard' and at least the
 *   declared one. Only the host may end one that applies to the caller itself, or change a group to which one applies.
 * - A retention requires `administer` and `erase` at its namespace, and no deny rule there or below that denies the caller one of them.
 * - A role or a group requires `administer` in the whole store, and everything that the declarations which name it require,
 *   because a changed role or group changes each of them.
 */
export function mayDeclare(policy: Policy, caller: Caller, declaration: Declaration): boolean {
  if (isCeiling(declaration)) return mayDeclareCeiling(policy, caller, declaration);
  if (isRetention(declaration)) return mayGrant(policy, caller, ['administer', 'erase'], declaration.at);
  if (isRule(declaration)) {
    return mayGrant(policy, caller, ['administer', ...policy.actionsOf(declaration.actions)], declaration.at);
  }
  if (isClearance(declaration)) {
    const { clear, at } = declaration;
    return mayGrant(policy, caller, ['administer'], at) && isCleared(policy, caller.actor, [clear], at);
  }
  const own = isRole(declaration) ? declaration.actions : [];
  if (!mayGrant(policy, caller, ['administer', ...own], wholeStore)) return false;
  return [...policy.declared.values()]
    .map((each) => each.declaration)
    .filter((each) => refersTo(each, declaration))
    .every((each) => mayEnd(policy, caller, each) && mayDeclare(policy, caller, withRole(each, declaration)));
}

/** Checks whether a caller may end a declaration. It needs what it would need to add it, and nobody lifts a ceiling off itself. */
export function mayEnd(policy: Policy, caller: Caller, declaration: Declaration): boolean {
  if (isCeiling(declaration) && appliesTo(policy, caller, declaration)) return false;
  return mayDeclare(policy, caller, declaration);
}

function appliesTo(policy: Policy, { actor }: Caller, ceiling: Ceiling): boolean {
  const text = canonicalText(ceiling);
  return partiesOf(actor).some((party) =>
    policy
      .rulesFor(party)
      .some(({ declared }) =>
        declared.some((each) => isCeiling(each.declaration) && canonicalText(each.declaration) === text),
      ),
  );
}

function mayDeclareCeiling(policy: Policy, caller: Caller, { ceiling, at }: Ceiling): boolean {
  const needed = Math.max(trustLevelOf(ceiling), defaultCeiling);
  return mayGrant(policy, caller, ['administer'], at) && policy.ceilingOf(caller.actor, at) >= needed;
}

/**
 * Checks whether a caller may see a declaration. It needs `administer` at the declaration's namespace, or in the whole store for a role or
 * a group.
 */
export function maySeeDeclaration(policy: Policy, { actor, scope }: Caller, declaration: Declaration): boolean {
  const at = 'at' in declaration ? declaration.at : wholeStore;
  return coversNamespace(scope, at) && mayIn(policy, actor, 'administer', at);
}

function mayGrant(policy: Policy, { actor, scope }: Caller, actions: readonly Action[], at: Namespace): boolean {
  if (!coversNamespace(scope, at)) return false;
  if (isRoot(actor)) return true;
  const bits = bitsOf(actions);
  return (
    actions.every((action) => mayIn(policy, actor, action, at)) &&
    partiesOf(actor).every((party) => policy.rulesFor(party).every((rules) => !rules.deniesBelow(bits, at)))
  );
}

/** Checks whether a scope covers a whole namespace. A scope with a user, agent, session or tag never does. */
export function coversNamespace(scope: ParsedScope, at: Namespace): boolean {
  return isInScope(scope, { namespace: at, tags: [] });
}

/** Replaces the actions of a rule with the new actions of the role that it names. */
function withRole(rule: Declaration, named: Declaration): Declaration {
  return isRole(named) ? { ...rule, actions: (named as Role).actions } : rule;
}
