import type { Policy } from '../../access/policy';
import { mayDeclare, mayEnd, maySeeDeclaration } from '../../access/rule-administration';
import type { ChangeOf, NamedDeclaration, Stamp } from '../../domain/command';
import {
  type Declaration,
  differenceAtOpen,
  isCeiling,
  isGroup,
  isRetention,
  isRole,
  refersTo,
  type StoredDeclaration,
} from '../../domain/declaration';
import { type Issue, invalidInput, MemoryError } from '../../domain/errors';
import { showNamespace } from '../../domain/namespace';
import { unknownNames } from '../../domain/parse/parse-declaration';
import { isRoot } from '../../domain/principal';
import type { Caller } from '../../domain/scope';
import { accessVersionOf, keepAccessVersion } from '../tables/access-version';
import type { ApplyContext } from './apply-context';

type Context = Pick<ApplyContext, 'policy' | 'meta' | 'isDeclared' | 'changePolicy'>;

/**
 * Replaces the declarations that were passed to an earlier `open`. Declarations made at run time stay in force. Roles and groups that
 * they name also stay, and count as made at run time from now on. A role or group passed to this `open` replaces one with the same
 * name that was made at run time, so run-time declarations never override the host's.
 *
 * Declarations with a lower version than those in force change nothing. So while the processes of a cluster, or of a rolling upgrade, open
 * a store one after the other, a process with old rules never brings them back.
 */
export function declare(
  context: Context,
  { declarations, version }: Pick<ChangeOf<'declare'>, 'declarations' | 'version'>,
  { at, by }: Stamp,
): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Not allowed to replace the rules of `open`: only the host may.');
  if (version !== undefined) {
    if (version < (accessVersionOf(context.meta) ?? version)) return;
    keepAccessVersion(context.meta, version);
  }
  const inForce = [...context.policy.declared.values()];
  const { added, ended } = differenceAtOpen(inForce, declarations);
  if (added.length + ended.length === 0) return;
  const atRunTime = inForce.filter(({ atOpen }) => !atOpen);
  const replaced = atRunTime.filter((each) =>
    added.some(({ declaration }) => haveSameName(each.declaration, declaration)),
  );
  const needed = ended.filter(
    ({ declaration }) =>
      (isRole(declaration) || isGroup(declaration)) &&
      atRunTime.some((each) => refersTo(each.declaration, declaration)) &&
      !added.some((each) => haveSameName(each.declaration, declaration)),
  );
  context.changePolicy(
    [
      ...added.map((each) => ({ ...each, atOpen: true })),
      ...needed.map(({ id, declaration }) => ({ id, declaration, atOpen: false })),
    ].map(({ id, declaration, atOpen }) => ({ id: freeId(context, id), declaration, atOpen, since: at })),
    [...ended, ...replaced],
    at,
  );
}

/** Adds a declaration. A role or group replaces an earlier one with the same name that was also made at run time. A name that is declared in `open` is rejected. */
export function addDeclaration(
  context: Context,
  { id, declaration }: NamedDeclaration,
  stamp: Stamp,
): StoredDeclaration {
  const { policy } = context;
  const caller = callerOf(stamp);
  // This check comes first, so that an actor without the right to administer learns nothing about roles and groups.
  if (!maySeeDeclaration(policy, caller, declaration)) throw forbidden(declaration);
  const inForce = [...policy.declared.values()];
  const issues = unknownNameIssues(caller, policy, declaration);
  const same = inForce.filter((each) => haveSameName(each.declaration, declaration));
  if (same.some(({ atOpen }) => atOpen)) {
    issues.push({
      path: ['name'],
      message: 'expected a name that is not declared in `open`. Change the declaration there.',
    });
  }
  const isKnownRole = issues.every(({ path }) => path[0] !== 'actions');
  const isAllowed = isKnownRole && mayDeclare(policy, caller, declaration);
  // An actor who may not list roles and groups learns about them only if the rule itself is allowed.
  const mayListNames = maySeeDeclaration(policy, caller, { group: '', members: [] });
  if (issues.length > 0 && (mayListNames || isAllowed || !isKnownRole)) throw invalidInput(issues, 'rule');
  if (!isAllowed) throw forbidden(declaration);
  const added = { id: freeId(context, id), declaration, atOpen: false, since: stamp.at };
  context.changePolicy([added], same, stamp.at);
  return added;
}

/** Ends a declaration. Returns false if no declaration in force has this id, or if the actor may not see it. */
export function endDeclaration(context: Context, id: string, stamp: Stamp): boolean {
  const { policy } = context;
  const found = policy.declared.get(id);
  if (found === undefined || !maySeeDeclaration(policy, callerOf(stamp), found.declaration)) return false;
  const { declaration, atOpen } = found;
  if (!mayEnd(policy, callerOf(stamp), declaration)) throw forbidden(declaration);
  if (atOpen) {
    const message =
      'expected a declaration made at run time, got one that was passed to `open`. To end it, no longer pass it to `open`.';
    throw invalidInput([{ path: ['id'], message }], 'rule');
  }
  assertUnused(policy.declared.values(), declaration);
  context.changePolicy([], [found], stamp.at);
  return true;
}

function assertUnused(inForce: Iterable<StoredDeclaration>, ended: Declaration): void {
  if (!isRole(ended) && !isGroup(ended)) return;
  const users = [...inForce].filter(({ declaration }) => refersTo(declaration, ended)).map(({ id }) => id);
  if (users.length === 0) return;
  throw invalidInput([
    {
      path: ['id'],
      message: `expected a name that no rule uses, got one that these rules use: ${users.join(', ')}. End them first.`,
    },
  ]);
}

/** Lists an issue for each role or group that does not exist. If the caller may not list them, every name counts as unknown. */
function unknownNameIssues(caller: Caller, policy: Policy, declaration: Declaration): Issue[] {
  const made = [...policy.declared.values()].map((each) => each.declaration);
  if (unknownNames([declaration], made).length === 0) return [];
  const known = made.filter((each) => (isRole(each) || isGroup(each)) && maySeeDeclaration(policy, caller, each));
  return unknownNames([declaration], known).map(({ path, message }) => ({ path: path.slice(1), message }));
}

function callerOf({ by, scope }: Stamp): Caller {
  return { actor: by, scope };
}

/** Adds a suffix to the proposed id if it is taken. This happens if the same rule is made twice in one millisecond. */
function freeId(context: Context, id: string): string {
  let free = id;
  for (let n = 2; context.isDeclared(free); n++) free = `${id}-${n}`;
  return free;
}

function haveSameName(a: Declaration, b: Declaration): boolean {
  return (isRole(a) && isRole(b) && a.role === b.role) || (isGroup(a) && isGroup(b) && a.group === b.group);
}

function forbidden(declaration: Declaration): MemoryError {
  if (isCeiling(declaration)) {
    const message = `Not allowed to change this ceiling: requires \`administer\` in ${showNamespace(declaration.at)}, and there an own ceiling of at least 'standard' and at least this one. Only the host ends a ceiling that applies to the caller.`;
    return new MemoryError('FORBIDDEN', message);
  }
  if (isRetention(declaration)) {
    const message = `Not allowed to change this retention: requires \`administer\` and \`erase\` in ${showNamespace(declaration.at)}, and no deny rule for them there or below.`;
    return new MemoryError('FORBIDDEN', message);
  }
  const message =
    'at' in declaration
      ? `Not allowed to change this rule: requires \`administer\` in ${showNamespace(declaration.at)}, every action of the rule there, and no deny rule for these actions there or below.`
      : 'Not allowed to change a role or a group: requires `administer` in the whole store, and everything that the rules which use the role or group require.';
  return new MemoryError('FORBIDDEN', message);
}
