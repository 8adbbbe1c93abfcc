import { z } from 'zod';
import type { Summarizer } from '../consolidation/summarizer';
import type { Limits } from '../domain/limits';
import { scopeShape, selectionShape } from '../domain/parse/parse-selection';
import {
  addIssue,
  exactName,
  expected,
  fields,
  flag,
  integer,
  list,
  namespace,
  oneOf,
  progressListener,
  signal,
} from '../domain/parse/shapes';
import type { ParsedPolicy } from '../lifecycle/consolidation-policy';

/** The smallest and the largest group of a consolidation, unless the caller says otherwise. */
export const defaultMinSources = 8;
export const defaultMaxSources = 256;
export const defaultRatio = 0.5;
const maxGroup = 10_000;
const maxPolicies = 1_000;
const defaultEveryWrites = 1_000;
const defaultOlderThanDays = 30;
// Timers of Node.js are not longer.
const maxIntervalMs = 2 ** 31 - 1;

const ratio = z
  .number({ error: expected('a number above 0, at most 1') })
  .gt(0, { error: expected('a number above 0, at most 1') })
  .lte(1, { error: expected('a number above 0, at most 1') });

function groupingFields(limits: Limits) {
  return {
    summarizer: summarizerShape(limits).optional(),
    ratio: ratio.optional(),
    groupBy: list(oneOf(['session', 'day']), "an array of 'session' and 'day'", [2, 'parts']).optional(),
    minSources: integer(1, maxGroup).optional(),
    maxSources: integer(1, maxGroup).optional(),
  };
}

/** Makes the schemas for the arguments of `consolidate`. */
export function consolidateShapes(limits: Limits) {
  const consolidateOptions = fields({
    ...groupingFields(limits),
    signal: signal.optional(),
    onProgress: progressListener.optional(),
    dryRun: flag,
    facts: flag.optional(),
  }).check(checkSizes);
  const { filter } = selectionShape(limits);
  return { consolidateSelection: fields({ ...scopeShape(limits), filter }), consolidateOptions };
}

/** Makes the schema for the option `consolidation` of `open`: one policy, or several for different namespaces. */
export function policiesShape(limits: Limits) {
  const policy = fields({
    ...groupingFields(limits),
    at: namespace(limits),
    everyWrites: integer(1).optional(),
    everyMs: integer(1_000, maxIntervalMs).optional(),
    olderThanDays: integer(0).optional(),
    budget: fields({
      callsPerDay: integer(0).optional(),
      inputTokensPerDay: integer(0).optional(),
      outputTokensPerDay: integer(0).optional(),
    }).optional(),
    onFailure: oneOf(['extractive', 'skip']).optional(),
  })
    .check(checkSizes)
    .transform(
      (given): ParsedPolicy => ({
        at: given.at,
        summarizer: given.summarizer,
        everyWrites: given.everyWrites ?? defaultEveryWrites,
        everyMs: given.everyMs,
        olderThanDays: given.olderThanDays ?? defaultOlderThanDays,
        minSources: given.minSources ?? defaultMinSources,
        maxSources: given.maxSources ?? defaultMaxSources,
        ratio: given.ratio ?? defaultRatio,
        groupBy: given.groupBy ?? ['session'],
        budget: given.budget,
        onFailure: given.onFailure ?? 'skip',
      }),
    );
  const policies = list(policy, 'an array of policies', [maxPolicies, 'policies']).check((ctx) => {
    const seen = new Set<string>();
    for (const [i, { at }] of ctx.value.entries()) {
      const name = JSON.stringify(at);
      if (seen.has(name))
        addIssue(ctx, 'expected a namespace without another policy, got one that has a policy.', ctx.value, [i, 'at']);
      seen.add(name);
    }
  });
  return z.unknown().transform((value, ctx): readonly ParsedPolicy[] => {
    const result = (Array.isArray(value) ? policies : policy.transform((one) => [one])).safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) ctx.addIssue({ ...issue, input: value } as never);
    return z.NEVER;
  });
}

function checkSizes(ctx: {
  value: { minSources?: number | undefined; maxSources?: number | undefined };
  issues: unknown[];
}): void {
  const { minSources = defaultMinSources, maxSources = defaultMaxSources } = ctx.value;
  if (minSources > maxSources)
    addIssue(ctx, `expected at least minSources (${minSources}), got ${maxSources}.`, ctx.value, ['maxSources']);
}

/** Takes the methods of a summarizer once, so that a getter cannot return others later. */
function summarizerShape(limits: Limits) {
  const nameShape = exactName(limits);
  return z.unknown().transform((value, ctx): Summarizer => {
    const { name, maxInputTokens, summarize } = Object(value) as Partial<Summarizer>;
    const parsed = nameShape.safeParse(name);
    const hasTokens = typeof maxInputTokens === 'number' && maxInputTokens >= 1;
    if (typeof summarize === 'function' && parsed.success && hasTokens)
      return { name: parsed.data, maxInputTokens, summarize: summarize.bind(value) };
    addIssue(ctx, 'expected a summarizer with name, maxInputTokens and summarize(), got something else.', value);
    return z.NEVER;
  });
}
