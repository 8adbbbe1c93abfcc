import { z } from 'zod';
import { type Ceiling, type Declaration, groupOf, isGroup, isRole, isRule } from '../declaration';
import { cutToChars, type Issue, maxIssues } from '../errors';
import type { Limits } from '../limits';
import { memoryKinds, sourceChannels } from '../memory';
import { normalName } from '../names';
import { type Action, builtInRoles, type Member, type Subject } from '../rule';
import { trustLevels } from '../trust';
import {
  action,
  addIssue,
  expected,
  fields,
  integer,
  list,
  name,
  namespace,
  oneOf,
  parsedElements,
  present,
  serviceName,
  unknownField,
} from './shapes';

/** The maximum length of the array. It is higher than the number of actions, so that repeats are accepted. */
const maxActions = 64;
/** An unknown name is compared with at most this number of known names, because a store may have thousands. */
const maxSuggestedNames = 100;
const maxQuotedName = 64;
const maxDays = 100_000;
const maxNumber = 1_000_000_000;

/** Makes the schemas for the kinds of declaration. */
export function ruleShapes(limits: Limits) {
  const id = name(limits);
  const member: z.ZodType<Member> = z.union(
    [fields({ agentId: id }), fields({ userId: id }), fields({ serviceId: serviceName(limits) })],
    { error: expected('{ agentId }, { userId } or { serviceId }') },
  );
  const subject: z.ZodType<Subject> = z.union([z.literal('everyone'), member, fields({ group: id })], {
    error: expected('"everyone", { agentId }, { userId }, { serviceId } or { group }'),
  });
  const actions = list(action, 'a role name or an array of actions', [maxActions, 'actions']).refine(
    (given) => given.length > 0,
    { error: 'expected at least one action, got an empty array.' },
  );
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
  const ceilingSubject: z.ZodType<Ceiling['to']> = z.union([subject, fields({ channel: oneOf(sourceChannels) })], {
    error: expected('"everyone", { agentId }, { userId }, { serviceId }, { group } or { channel }'),
  });
  const ceiling = fields({ ceiling: oneOf(trustLevels), to: ceilingSubject, at: namespace(limits) });
  const retention = fields({
    retain: oneOf(['forget', 'consolidate']),
    at: namespace(limits),
    kind: present(oneOf(memoryKinds)),
    maxAgeDays: present(integer(1, maxDays)),
    maxMemories: present(integer(1, maxNumber)),
  }).refine((given) => 'maxAgeDays' in given || 'maxMemories' in given, {
    path: ['maxAgeDays'],
    error: 'expected maxAgeDays, maxMemories or both, got neither.',
    // Reported together with the issues of other fields.
    when: ({ value }) => typeof value === 'object' && value !== null,
  });
  const role = fields({ role: roleName, actions: actions as unknown as z.ZodType<Action[]> });
  const group = fields({ group: id, members: list(member, 'an array of principals') });
  return { rule, clearance, ceiling, retention, role, group };
}

/** Makes the schema for one declaration, in the form that `allow`, `deny`, `clear`, `ceiling`, `retain`, `role` and `group` return. Does not check names. */
export function declarationShape(limits: Limits): z.ZodType<Declaration> {
  const { rule, clearance, ceiling, retention, role, group } = ruleShapes(limits);
  const shapeOf = (keys: object): unknown => {
    if ('clear' in keys) return clearance;
    if ('ceiling' in keys) return ceiling;
    if ('retain' in keys) return retention;
    return 'role' in keys ? role : 'members' in keys ? group : rule;
  };
  return z.unknown().transform((value, ctx): Declaration => {
    const keys = typeof value === 'object' && value !== null ? value : {};
    const shape = shapeOf(keys);
    const result = (shape as z.ZodType<Declaration>).safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) ctx.issues.push({ ...issue, input: value } as never);
    return z.NEVER;
  });
}

/** Makes the schema for a complete set of declarations: every role and group that a rule uses must be built in or in the set. */
export function declarationsShape(limits: Limits): z.ZodType<Declaration[]> {
  const each = declarationShape(limits);
  const what = 'an array of rules, made by allow(), deny(), clear(), ceiling(), retain(), role() and group()';
  return z.unknown().transform((value, ctx): Declaration[] => {
    if (!Array.isArray(value)) {
      addIssue(ctx, expected(what)({ input: value }), value);
      return z.NEVER;
    }
    const parsed = parsedElements(each, value, ctx);
    // Names are checked in the input before parsing, so that one error can report these issues together with all others.
    const given = value.map((one) => (typeof one === 'object' && one !== null ? one : {}) as Declaration);
    for (const { path, message } of [...repeatedNames(given), ...unknownNames(given, given)])
      addIssue(ctx, message, value, path);
    return parsed;
  });
}

/** Lists an issue for each role or group that `declarations` use but that is neither built in nor declared in `among`. */
export function unknownNames(declarations: readonly Declaration[], among: Iterable<Declaration>): Issue[] {
  const [roles, groups] = [new Set(Object.keys(builtInRoles)), new Set<string>()];
  for (const each of among) {
    // The input is not parsed yet. The schema for names reports values that are not strings.
    if (isRole(each) && isName(each.role)) roles.add(normalName(each.role));
    else if (isGroup(each) && isName(each.group)) groups.add(normalName(each.group));
  }
  const issues: Issue[] = [];
  for (const [i, each] of declarations.entries()) {
    // The number of issues is limited, because each issue needs a comparison with all known names.
    if (issues.length >= maxIssues) break;
    const group = groupOf(each);
    if (isName(group) && !groups.has(normalName(group))) {
      issues.push({ path: [i, 'to', 'group'], message: unknownName(group, groups, 'group') });
    }
    if (isRule(each) && typeof each.actions === 'string' && !roles.has(normalName(each.actions))) {
      issues.push({ path: [i, 'actions'], message: unknownName(each.actions, roles, 'role') });
    }
  }
  return issues;
}

function isName(value: unknown): value is string {
  return typeof value === 'string';
}

function unknownName(word: string, known: ReadonlySet<string>, what: 'role' | 'group'): string {
  if (known.size > 0) return unknownField(word, [...known].slice(0, maxSuggestedNames), what);
  return `unknown ${what} ${JSON.stringify(cutToChars(word, maxQuotedName))}. Declare it first, with ${what}().`;
}

function repeatedNames(declarations: readonly Declaration[]): Issue[] {
  const [roles, groups] = [new Set<string>(), new Set<string>()];
  return declarations.flatMap((each, i) => {
    if ((!isRole(each) && !isGroup(each)) || !isName(isRole(each) ? each.role : each.group)) return [];
    const [known, word, field] = isRole(each)
      ? [roles, each.role, 'role']
      : [groups, (each as { group: string }).group, 'group'];
    if (!known.has(normalName(word))) {
      known.add(normalName(word));
      return [];
    }
    const name = JSON.stringify(cutToChars(word, maxQuotedName));
    return [{ path: [i, field], message: `${name} is declared twice. Declare each ${field} once.` }];
  });
}
