import type { Issue } from '../../../index';

/** No list of a tool takes more values. The store may accept fewer. */
const maxListValues = 1_000;
/** More than metadata of 64 kB can hold. */
const maxValues = 40_000;
const maxDepth = 100;

/**
 * The issues of arguments that are too large to be checked value by value: a schema would report each wrong value of a list, and
 * exhaust the stack on deep ones.
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

/** Whether a value has more levels than this. Counts its values, and ends when there are too many. */
function isTooDeep(value: unknown, levels: number, size: { values: number }): boolean {
  size.values++;
  if (typeof value !== 'object' || value === null || size.values > maxValues) return false;
  if (levels === 0) return true;
  for (const key in value) if (isTooDeep((value as { [key: string]: unknown })[key], levels - 1, size)) return true;
  return false;
}
