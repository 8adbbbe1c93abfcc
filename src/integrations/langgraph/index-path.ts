import { indexTexts } from './item-memory';
import { invalidOperation } from './langgraph-errors';

/** One step of a path into a value. */
type PathStep =
  | { readonly to: 'whole' | 'each' }
  | { readonly to: 'field'; readonly name: string }
  | { readonly to: 'element'; readonly index: number }
  | { readonly to: 'fields'; readonly paths: readonly (readonly PathStep[])[] };

const steps = /\[([^[\]]*)\]|\{([^{}]*)\}|([^.[\]{}]+)|(\.)/gy;

/**
 * Parses a path in LangGraph's syntax: `title`, `author.name`, `chapters[*].title`, `tags[0]`, `tags[-1]`, `*`, `{title,summary}`,
 * and `$` for the whole value.
 *
 * @throws INVALID_INPUT for anything else
 */
export function parseIndexPath(path: unknown): readonly PathStep[] {
  if (typeof path !== 'string' || path === '') throw invalidPath(path);
  const parsed: PathStep[] = [];
  let end = 0;
  for (const { 0: text, 1: index, 2: list, 3: name } of path.matchAll(steps)) {
    end += text.length;
    if (index !== undefined) parsed.push(elementStep(index, path));
    else if (list !== undefined)
      parsed.push({ to: 'fields', paths: list.split(',').map((each) => parseIndexPath(each.trim())) });
    else if (name === '$' && parsed.length === 0) parsed.push({ to: 'whole' });
    else if (name !== undefined) parsed.push(name === '*' ? { to: 'each' } : { to: 'field', name });
  }
  if (end !== path.length || parsed.length === 0) throw invalidPath(path);
  return parsed;
}

/** Collects the texts at all places that a path matches. Lists and objects become JSON. */
export function textsAtPath(value: unknown, path: readonly PathStep[]): string[] {
  const [step, ...rest] = path;
  if (step === undefined) return indexTexts(value);
  if (step.to === 'whole') return textsAtPath(value, rest);
  if (typeof value !== 'object' || value === null) return [];
  switch (step.to) {
    case 'each':
      return Object.values(value).flatMap((each) => textsAtPath(each, rest));
    case 'fields':
      return step.paths.flatMap((each) => textsAtPath(value, [...each, ...rest]));
    case 'element':
      return Array.isArray(value) ? textsAtPath(value.at(step.index), rest) : [];
    case 'field':
      return Object.hasOwn(value, step.name)
        ? textsAtPath((value as { [name: string]: unknown })[step.name], rest)
        : [];
  }
}

function elementStep(index: string, path: string): PathStep {
  if (index === '*') return { to: 'each' };
  if (!/^-?\d+$/.test(index)) throw invalidPath(path);
  return { to: 'element', index: Number(index) };
}

function invalidPath(path: unknown) {
  const message = `expected a path, such as "title", "chapters[*].title" or "$", got ${JSON.stringify(path)}.`;
  return invalidOperation([{ path: ['index'], message }]);
}
