import type { Filter, Namespace, Scope } from '../index';
import type { CommandLine } from './command-line';
import { UsageError } from './usage-error';

/** Options that say among which memories. */
export const selectionOptions = {
  namespace: { value: 'PATH', help: 'there and below: support/eu, or ["a/b","c"] where labels have slashes' },
  'about-user': { value: 'ID', help: 'about this user' },
  'by-agent': { value: 'ID', help: 'written by this agent' },
  session: { value: 'ID', help: 'of this session' },
  tag: { value: 'TAG', many: true, help: 'with this tag; several: with all of them' },
  filter: { value: 'JSON', help: 'a filter as in the library, such as {"priority":{"gte":0.5}}' },
} as const;

/** Throws UsageError. */
export function selectionOf(line: CommandLine): Scope & { filter?: Filter } {
  const namespace = line.text('namespace');
  const userId = line.text('about-user');
  const agentId = line.text('by-agent');
  const sessionId = line.text('session');
  const tags = line.all('tag');
  const filter = line.text('filter');
  return {
    ...(namespace === undefined ? {} : { namespace: namespaceOf(namespace, '--namespace') }),
    ...(userId === undefined ? {} : { userId }),
    ...(agentId === undefined ? {} : { agentId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(filter === undefined ? {} : { filter: json(filter, '--filter') as Filter }),
  };
}

/** A namespace as it is typed. Throws UsageError. */
export function namespaceOf(text: string, what: string): Namespace {
  if (!text.startsWith('[')) return text.split('/');
  const labels = json(text, what);
  if (Array.isArray(labels) && labels.every((label) => typeof label === 'string')) return labels;
  throw new UsageError(`${what} takes a list of labels, not ${text}.`);
}

function json(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${what} takes JSON: ${(error as Error).message}.`);
  }
}
