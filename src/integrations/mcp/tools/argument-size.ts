import type { Issue } from '../../../index';

/** The maximum number of values in a list of any tool. The store may accept fewer. */
const maxListValues = 1_000;
/** The maximum number of values in all arguments. Metadata of 64 kB cannot contain more. */
const maxValues = 40_000;
const maxDepth = 100;

/**
 * Lists issues for arguments that are too large for a schema. A schema would report each wrong value in a list, and would exhaust the stack
 * on deeply nested values.
 */
export function sizeIssues(input: unknown): Issue[] {
  if (typeof input !== 'object' || input === null) return [];
  const issues: Issue[] = [];
  const size = { values: 0 };
  for (const [name, value] of Object.entries(input)) {
    if (Array.isArray(value) && value.length > maxListValues) {
      issues.push({ path: [name], message: `expected at most ${maxListValues} values, got ${value.length}.` });
    } else if (isTooDeep(value, maxDepth, size)) {
      issues.push({ path: [name], message: `expected at most ${maxDepth} levels of nesting, got more.` });
    }
    if (size.values > maxValues)
      return [...issues, { path: [], message: `expected at most ${maxValues} values in all, got more.` }];
  }
  return issues;
}

/** Checks whether a value has more than this number of levels. Counts its values, and stops when there are too many. */
function isTooDeep(value: unknown, levels: number, size: { values: number }): boolean {
  size.values++;
  if (typeof value !== 'object' || value === null || size.values > maxValues) return false;
  if (levels === 0) return true;
  for (const key in value) if (isTooDeep((value as { [key: string]: unknown })[key], levels - 1, size)) return true;
  return false;
}
