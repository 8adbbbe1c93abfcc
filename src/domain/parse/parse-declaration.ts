import { z } from 'zod';
import { type Declaration, groupOf, isGroup, isRole, isRule } from '../declaration';
import type { Issue } from '../errors';
import type { Limits } from '../limits';
import { type Action, builtInRoles, type Member, type Subject } from '../rule';
import { issuesOf } from './parse';
import { action, fields, name, namespace, serviceName, unknownField } from './shapes';

/** The shapes of what rules are made of. */
export function ruleShapes(limits: Limits) {
  const id = name(limits);
  const member: z.ZodType<Member> = z.union(
    [
      z.strictObject({ agentId: id }),
      z.strictObject({ userId: id }),
      z.strictObject({ serviceId: serviceName(limits) }),
    ],
    { error: 'must be { agentId }, { userId } or { serviceId }.' },
  );
  const subject: z.ZodType<Subject> = z.union([z.literal('everyone'), member, z.strictObject({ group: id })], {
    error: "must be 'everyone', { agentId }, { userId }, { serviceId } or { group }.",
  });
  const actions = z.array(action, { error: 'must be a list of actions.' }).min(1, { error: 'must not be empty.' });
  const roleOrActions = z.unknown().transform((value, ctx): string | Action[] => {
    if (typeof value === 'string' && Object.hasOwn(builtInRoles, value)) return value;
    const result = (typeof value === 'string' ? id : actions).safeParse(value);
    if (result.success) return result.data as string | Action[];
    for (const { message, path } of result.error.issues)
      ctx.issues.push({ code: 'custom', message, path: [...path], input: value });
    return z.NEVER;
  });
  const ownRole = id.refine((value) => !Object.hasOwn(builtInRoles, value), {
    error: 'is the name of a built-in role: choose another.',
  });
  const rule = fields({
    effect: z.enum(['allow', 'deny'], { error: "must be 'allow' or 'deny'." }),
    to: subject,
    actions: roleOrActions,
    at: namespace(limits),
  });
  const clearance = fields({ clear: id, to: subject, at: namespace(limits) });
  const role = fields({ role: ownRole, actions: actions as unknown as z.ZodType<Action[]> });
  const group = fields({ group: id, members: z.array(member, { error: 'must be a list of principals.' }) });
  return { rule, clearance, role, group };
}

/** What `allow`, `deny`, `clear`, `role` and `group` make: each by itself. */
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

/** A set of declarations that stands by itself: every role and group that a rule names is built in or among them. */
export function declarationsShape(limits: Limits): z.ZodType<Declaration[]> {
  const each = declarationShape(limits);
  const error = 'must be a list of rules, made by allow(), deny(), clear(), role() and group().';
  return z.array(z.unknown(), { error }).transform((list, ctx): Declaration[] => {
    const results = list.map((one) => each.safeParse(one));
    const issues = results.flatMap((result, i) => (result.success ? [] : issuesOf(result.error, [i])));
    // Names are looked at in the input as it came, so that these issues come together with the others.
    const given = list.map((one) => (typeof one === 'object' && one !== null ? one : {}) as Declaration);
    for (const { path, message } of [...issues, ...repeatedNames(given), ...unknownNames(given, given)]) {
      ctx.issues.push({ code: 'custom', message, path: [...path], input: list });
    }
    return results.flatMap((result) => (result.success ? [result.data] : []));
  });
}

/** Roles and groups that a declaration names and nobody made: `among` are those that are known, beside the built-in roles. */
export function unknownNames(declarations: readonly Declaration[], among: Iterable<Declaration>): Issue[] {
  const [roles, groups] = [Object.keys(builtInRoles), [] as string[]];
  for (const each of among) {
    // Looked at as they came: what is no name is an issue of its own.
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

function unknownName(name: string, known: readonly string[], what: 'role' | 'group'): string {
  if (known.length > 0) return unknownField(name, known, what);
  return `There is no ${what} ${JSON.stringify(name)}: make it first, with ${what}().`;
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
    return [{ path: [i, field], message: `stands twice: ${JSON.stringify(word)} can be made only once.` }];
  });
}
