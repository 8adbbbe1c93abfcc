import { refused } from './langgraph-checks';
import { searchedTexts } from './written-values';

/** One step of a path into a value. */
type Step =
  | { readonly to: 'whole' | 'each' }
  | { readonly to: 'field'; readonly name: string }
  | { readonly to: 'element'; readonly index: number }
  | { readonly to: 'fields'; readonly paths: readonly (readonly Step[])[] };

const steps = /\[([^[\]]*)\]|\{([^{}]*)\}|([^.[\]{}]+)|(\.)/gy;

/**
 * Reads a path as LangGraph writes them: `title`, `author.name`, `chapters[*].title`, `tags[0]`, `tags[-1]`, `*`, `{title,summary}`,
 * and `$` for the whole value.
 *
 * @throws INVALID_INPUT for what is no such path
 */
export function parsePath(path: unknown): readonly Step[] {
  if (typeof path !== 'string' || path === '') throw badPath(path);
  const parsed: Step[] = [];
  let end = 0;
  for (const { 0: text, 1: index, 2: list, 3: name } of path.matchAll(steps)) {
    end += text.length;
    if (index !== undefined) parsed.push(elementStep(index, path));
    else if (list !== undefined)
      parsed.push({ to: 'fields', paths: list.split(',').map((each) => parsePath(each.trim())) });
    else if (name === '$' && parsed.length === 0) parsed.push({ to: 'whole' });
    else if (name !== undefined) parsed.push(name === '*' ? { to: 'each' } : { to: 'field', name });
  }
  if (end !== path.length || parsed.length === 0) throw badPath(path);
  return parsed;
}

/** The texts at a path: one for each place that it leads to, lists and objects as JSON. */
export function textsAt(value: unknown, path: readonly Step[]): string[] {
  const [step, ...rest] = path;
  if (step === undefined) return searchedTexts(value);
  if (step.to === 'whole') return textsAt(value, rest);
  if (typeof value !== 'object' || value === null) return [];
  switch (step.to) {
    case 'each':
      return Object.values(value).flatMap((each) => textsAt(each, rest));
    case 'fields':
      return step.paths.flatMap((each) => textsAt(value, [...each, ...rest]));
    case 'element':
      return Array.isArray(value) ? textsAt(value.at(step.index), rest) : [];
    case 'field':
      return Object.hasOwn(value, step.name) ? textsAt((value as { [name: string]: unknown })[step.name], rest) : [];
  }
}

function elementStep(index: string, path: string): Step {
  if (index === '*') return { to: 'each' };
  if (!/^-?\d+$/.test(index)) throw badPath(path);
  return { to: 'element', index: Number(index) };
}

function badPath(path: unknown) {
  return refused([
    { path: ['index'], message: `${JSON.stringify(path)} is no path, such as "title", "chapters[*].title" or "$".` },
  ]);
}
