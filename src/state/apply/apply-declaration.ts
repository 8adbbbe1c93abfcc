import type { Policy } from '../../access/policy';
import { mayDeclare, maySeeDeclaration } from '../../access/rule-administration';
import type { NamedDeclaration, Stamp } from '../../domain/command';
import {
  type Declaration,
  differenceAtOpen,
  isGroup,
  isRole,
  refersTo,
  type StoredDeclaration,
} from '../../domain/declaration';
import { type Issue, invalidInput, MemoryError } from '../../domain/errors';
import { showNamespace } from '../../domain/namespace';
import { unknownNames } from '../../domain/parse/parse-declaration';
import { isRoot } from '../../domain/principal';
import type { Caller } from '../../domain/scope';
import type { ApplyContext } from './apply-context';

type Context = Pick<ApplyContext, 'policy' | 'isDeclared' | 'changePolicy'>;

/**
 * Puts these in the place of what was declared at `open` before. What was made at run time stays: so does a role or a group that
 * it names, as if it had been made at run time too, and a role or a group that is declared now takes the place of one of the same
 * name. Nobody can keep the host from what it declares, and no deny ends unless somebody ends it.
 */
export function declare(context: Context, declarations: readonly NamedDeclaration[], { at, by }: Stamp): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Only who opens the folder declares rules.');
  const inForce = [...context.policy.declared.values()];
  const { added, ended } = differenceAtOpen(inForce, declarations);
  if (added.length + ended.length === 0) return;
  const atRunTime = inForce.filter(({ atOpen }) => !atOpen);
  const replaced = atRunTime.filter((each) =>
    added.some(({ declaration }) => haveOneName(each.declaration, declaration)),
  );
  const needed = ended.filter(
    ({ declaration }) =>
      (isRole(declaration) || isGroup(declaration)) &&
      atRunTime.some((each) => refersTo(each.declaration, declaration)) &&
      !added.some((each) => haveOneName(each.declaration, declaration)),
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

/** Makes a declaration. A role or a group that was made at run time before gives way to one of the same name. */
export function addDeclaration(
  context: Context,
  { id, declaration }: NamedDeclaration,
  stamp: Stamp,
): StoredDeclaration {
  const { policy } = context;
  const caller = callerOf(stamp);
  // Before anything is said of roles and groups: who may not administer learns of none.
  if (!maySeeDeclaration(policy, caller, declaration)) throw forbidden(declaration);
  const inForce = [...policy.declared.values()];
  const issues = namesUnknownTo(caller, policy, declaration);
  const same = inForce.filter((each) => haveOneName(each.declaration, declaration));
  if (same.some(({ atOpen }) => atOpen)) {
    issues.push({ path: ['name'], message: 'is declared where the store is opened: change it there.' });
  }
  const isKnownRole = issues.every(({ path }) => path[0] !== 'actions');
  const isAllowed = isKnownRole && mayDeclare(policy, caller, declaration);
  // Who may not list roles and groups hears of them only where the rule itself would be allowed.
  const isTold = maySeeDeclaration(policy, caller, { group: '', members: [] });
  if (issues.length > 0 && (isTold || isAllowed || !isKnownRole)) throw invalidInput(issues, 'rule');
  if (!isAllowed) throw forbidden(declaration);
  const added = { id: freeId(context, id), declaration, atOpen: false, since: stamp.at };
  context.changePolicy([added], same, stamp.at);
  return added;
}

/** Ends a declaration. False where none in force has that id, or none that may be seen. */
export function endDeclaration(context: Context, id: string, stamp: Stamp): boolean {
  const { policy } = context;
  const found = policy.declared.get(id);
  if (found === undefined || !maySeeDeclaration(policy, callerOf(stamp), found.declaration)) return false;
  const { declaration, atOpen } = found;
  if (!mayDeclare(policy, callerOf(stamp), declaration)) throw forbidden(declaration);
  if (atOpen) {
    const message = 'is declared where the store is opened: leave it out there, and it ends.';
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
  throw invalidInput([{ path: ['id'], message: `is named by the rules ${users.join(', ')}: end these first.` }]);
}

/** Roles and groups that are named and not there. Only who may list them is told of those that are. */
function namesUnknownTo(caller: Caller, policy: Policy, declaration: Declaration): Issue[] {
  const made = [...policy.declared.values()].map((each) => each.declaration);
  if (unknownNames([declaration], made).length === 0) return [];
  const known = made.filter((each) => (isRole(each) || isGroup(each)) && maySeeDeclaration(policy, caller, each));
  return unknownNames([declaration], known).map(({ path, message }) => ({ path: path.slice(1), message }));
}

function callerOf({ by, scope }: Stamp): Caller {
  return { actor: by, scope };
}

/** The proposed id, or one like it: whoever made the same rule before, in the same moment, has it already. */
function freeId(context: Context, id: string): string {
  let free = id;
  for (let n = 2; context.isDeclared(free); n++) free = `${id}-${n}`;
  return free;
}

function haveOneName(a: Declaration, b: Declaration): boolean {
  return (isRole(a) && isRole(b) && a.role === b.role) || (isGroup(a) && isGroup(b) && a.group === b.group);
}

function forbidden(declaration: Declaration): MemoryError {
  const message =
    'at' in declaration
      ? `Changing this rule takes administer at ${showNamespace(declaration.at)}, and there and below all that the rule is about.`
      : 'Changing a role or a group takes administer in the whole store, and all that the rules that name it are about.';
  return new MemoryError('FORBIDDEN', message);
}
