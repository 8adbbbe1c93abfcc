import { z } from 'zod';
import type { Limits } from '../limits';
import { type Action, builtInRoles, type Rule } from '../rule';
import { action, fields, name, namespace, unknownField } from './shapes';

/** Rules as `allow` and `deny` make them. */
export function rulesShape(limits: Limits): z.ZodType<Rule[]> {
  const id = name(limits);
  const subject = z.union(
    [
      z.literal('everyone'),
      z.strictObject({ agentId: id }),
      z.strictObject({ userId: id }),
      z.strictObject({ serviceId: id }),
    ],
    { error: "must be 'everyone', { agentId }, { userId } or { serviceId }." },
  );
  const roles = Object.keys(builtInRoles);
  const role = z.enum(roles as [string, ...string[]], {
    error: (issue) => unknownField(String(issue.input), roles, 'role'),
  });
  const rule = fields({
    effect: z.enum(['allow', 'deny'], { error: "must be 'allow' or 'deny'." }),
    to: subject,
    actions: z.unknown().transform((value, ctx) => {
      const result = (typeof value === 'string' ? role : z.array(action).min(1)).safeParse(value);
      if (result.success) return result.data as string | Action[];
      for (const { message, path } of result.error.issues)
        ctx.issues.push({ code: 'custom', message, path: [...path], input: value });
      return z.NEVER;
    }),
    at: namespace(limits),
  });
  return z.array(rule, { error: 'must be a list of rules, made by allow() and deny().' });
}
