import type { Action, Clearance, Declaration, Group, Principal, Role, Rule } from 'multi-agent-memory';
import type { Reference, Who } from './reference';

/** The namespace in the scope of a handle. Undefined if the scope has none. */
export type Bound = readonly string[] | undefined;

/**
 * "administer at N adds and ends rules and clearances at or below N, only for actions and tags that its holder has there; roles
 * and groups need []." The holder must also have them in all namespaces below.
 */
export function mayGovern(reference: Reference, who: Who, declaration: Declaration, bound: Bound): boolean {
  const at = 'at' in declaration ? declaration.at : [];
  if (bound !== undefined && !reference.holds(bound, at)) return false;
  if (who === 'root') return true;
  // A deny rule below for one of the required actions is enough to refuse. This is the stricter reading of "has there".
  if (!hasAll(reference, who, ['administer', ...givenBy(reference, declaration)], at)) return false;
  if (isRule(declaration)) return true;
  if ('clear' in declaration) return reference.cleared(who, [declaration.clear], at);
  // The policies have no ceilings and no retentions.
  if ('ceiling' in declaration || 'retain' in declaration) return false;
  // The actor must be allowed to make each rule that names the role or group, with the role's old actions and with its new actions.
  const anew = namedBy(reference, declaration).flatMap((rule) =>
    isRole(declaration) && isRule(rule) ? [rule, { ...rule, actions: declaration.actions }] : [rule],
  );
  return anew.every((rule) => mayGovern(reference, who, rule, bound));
}

/** "rules and clearances at or below where the caller administers; roles and groups only with administer at []." */
export function mayList(reference: Reference, who: Who, declaration: Declaration, bound: Bound): boolean {
  const at = 'at' in declaration ? declaration.at : [];
  return (bound === undefined || reference.holds(bound, at)) && reference.may(who, 'administer', at);
}

/** Lists the rules and clearances that name a role or a group. */
export function namedBy(reference: Reference, named: Role | Group): (Rule | Clearance)[] {
  return reference.declarations.filter((each): each is Rule | Clearance => {
    if (!('to' in each)) return false;
    if (isRole(named)) return isRule(each) && each.actions === named.role;
    return each.to !== 'everyone' && 'group' in each.to && each.to.group === named.group;
  });
}

/** Checks whether two declarations are both roles or both groups, and have the same name. */
export function sameName(a: Declaration, b: Declaration): boolean {
  if (isRole(a)) return isRole(b) && a.role === b.role;
  return isGroup(a) && isGroup(b) && a.group === b.group;
}

export function isRule(declaration: Declaration): declaration is Rule {
  return 'effect' in declaration;
}

export function isRole(declaration: Declaration): declaration is Role {
  return 'role' in declaration;
}

export function isGroup(declaration: Declaration): declaration is Group {
  return 'members' in declaration;
}

/** Returns the actions that a rule allows or denies, or that a role contains. */
function givenBy(reference: Reference, declaration: Declaration): readonly Action[] {
  if (isRule(declaration)) return reference.actionsOf(declaration.actions);
  return isRole(declaration) ? declaration.actions : [];
}

/** "each of its actions at N, and no deny of those for the holder anywhere below N". */
function hasAll(reference: Reference, who: Principal, actions: readonly Action[], at: readonly string[]): boolean {
  const deniedBelow = (action: Action) =>
    reference.halves(who).some((half) => {
      const denies = reference.rules('deny').filter((rule) => reference.holds(at, rule.at));
      return denies.some((rule) => reference.matches(rule, half, action, rule.at));
    });
  return actions.every((action) => reference.may(who, action, at) && !deniedBelow(action));
}
