import { z } from 'zod';
import { type Declaration, groupOf, isGroup, isRole, isRule } from '../declaration';
import type { Issue } from '../errors';
import type { Limits } from '../limits';
import { type Action, builtInRoles, type Member, type Subject } from '../rule';
import {
  action,
  addIssue,
  expected,
  fields,
  issuesOf,
  name,
  namespace,
  oneOf,
  serviceName,
  unknownField,
} from './shapes';

/** The shapes of the four kinds of declaration. */
export function ruleShapes(limits: Limits) {
  const id = name(limits);
  const member: z.ZodType<Member> = z.union(
    [fields({ agentId: id }), fields({ userId: id }), fields({ serviceId: serviceName(limits) })],
    { error: expected('{ agentId }, { userId } or { serviceId }') },
  );
  const subject: z.ZodType<Subject> = z.union([z.literal('everyone'), member, fields({ group: id })], {
    error: expected('"everyone", { agentId }, { userId }, { serviceId } or { group }'),
  });
  const actions = z
    .array(action, { error: expected('a role name or an array of actions') })
    .min(1, { error: 'expected at least one action, got an empty array.' });
  const roleOrActions = z.unknown().transform((value, ctx): string | Action[] => {
    if (typeof value === 'string' && Object.hasOwn(builtInRoles, value)) return value;
    const result = (typeof value === 'string' ? id : actions).safeParse(value);
    if (result.success) return result.data as string | Action[];
    for (const { message, path } of result.error.issues) addIssue(ctx, message, value, path);
    return z.NEVER;
  });
  const roleName = id.refine((value) => !Object.hasOwn(builtInRoles, value), {
    error: ({ input }) => `${JSON.stringify(input)} is a built-in role. Choose another name.`,
  });
  const rule = fields({
    effect: oneOf(['allow', 'deny']),
    to: subject,
    actions: roleOrActions,
    at: namespace(limits),
  });
  const clearance = fields({ clear: id, to: subject, at: namespace(limits) });
  const role = fields({ role: roleName, actions: actions as unknown as z.ZodType<Action[]> });
  const group = fields({ group: id, members: z.array(member, { error: expected('an array of principals') }) });
  return { rule, clearance, role, group };
}

/** One declaration, as `allow`, `deny`, `clear`, `role` and `group` make it. Names of roles and groups are not resolved. */
export function declarationShape(limits: Limits): z.ZodType<Declaration> {
  const { rule, clearance, role, group } = ruleShapes(limits);
  return z.unknown().transform((value, ctx): Declaration => {
    const keys = typeof value === 'object' && value !== null ? value : {};
    const shape = 'clear' in keys ? clearance : 'role' in keys ? role : 'members' in keys ? group : rule;
    const result = (shape as z.ZodType<Declaration>).safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) ctx.issues.push({ ...issue, input: value } as never);
    return z.NEVER;
  });
}

/** A complete set of declarations: every role and group that a rule uses is built in or declared in the set. */
export function declarationsShape(limits: Limits): z.ZodType<Declaration[]> {
  const each = declarationShape(limits);
  const what = 'an array of rules, made by allow(), deny(), clear(), role() and group()';
  return z.array(z.unknown(), { error: expected(what) }).transform((list, ctx): Declaration[] => {
    const results = list.map((one) => each.safeParse(one));
    const issues = results.flatMap((result, i) => (result.success ? [] : issuesOf(result.error, [i])));
    // Names are checked in the unparsed input, so that one error reports these issues together with all others.
    const given = list.map((one) => (typeof one === 'object' && one !== null ? one : {}) as Declaration);
    for (const { path, message } of [...issues, ...repeatedNames(given), ...unknownNames(given, given)])
      addIssue(ctx, message, list, path);
    return results.flatMap((result) => (result.success ? [result.data] : []));
  });
}

/** Issues for roles and groups that `declarations` use and that are neither built in nor declared in `among`. */
export function unknownNames(declarations: readonly Declaration[], among: Iterable<Declaration>): Issue[] {
  const [roles, groups] = [Object.keys(builtInRoles), [] as string[]];
  for (const each of among) {
    // Unparsed input: the shape of a name reports what is not a string.
    if (isRole(each) && isName(each.role)) roles.push(each.role);
    else if (isGroup(each) && isName(each.group)) groups.push(each.group);
  }
  return declarations.flatMap((each, i) => {
    const issues: Issue[] = [];
    const group = groupOf(each);
    if (isName(group) && !groups.includes(group)) {
      issues.push({ path: [i, 'to', 'group'], message: unknownName(group, groups, 'group') });
    }
    if (isRule(each) && typeof each.actions === 'string' && !roles.includes(each.actions)) {
      issues.push({ path: [i, 'actions'], message: unknownName(each.actions, roles, 'role') });
    }
    return issues;
  });
}

function isName(value: unknown): value is string {
  return typeof value === 'string';
}

function unknownName(word: string, known: readonly string[], what: 'role' | 'group'): string {
  if (known.length > 0) return unknownField(word, known, what);
  return `unknown ${what} ${JSON.stringify(word)}. Declare it first, with ${what}().`;
}

function repeatedNames(declarations: readonly Declaration[]): Issue[] {
  const [roles, groups] = [new Set<string>(), new Set<string>()];
  return declarations.flatMap((each, i) => {
    if (!isRole(each) && !isGroup(each)) return [];
    const [known, word, field] = isRole(each)
      ? [roles, each.role, 'role']
      : [groups, (each as { group: string }).group, 'group'];
    if (!known.has(word)) {
      known.add(word);
      return [];
    }
    return [{ path: [i, field], message: `${JSON.stringify(word)} is declared twice. Declare each ${field} once.` }];
  });
}
