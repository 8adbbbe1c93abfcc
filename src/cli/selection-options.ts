import type { Filter, Namespace, Scope } from '../index';
import type { CommandLine } from './command-line';
import { isJsonObject, isNamespace } from './option-checks';

/** Options that say among which memories. */
export const selectionOptions = {
  namespace: {
    value: 'PATH',
    help: 'there and below: support/eu, or ["a/b","c"] where labels have slashes',
    check: isNamespace,
  },
  'about-user': { value: 'ID', help: 'about this user' },
  'by-agent': { value: 'ID', help: 'written by this agent' },
  session: { value: 'ID', help: 'of this session' },
  tag: { value: 'TAG', many: true, help: 'with this tag; several: with all of them' },
  filter: {
    value: 'JSON',
    help: 'a filter as in the library, such as {"priority":{"gte":0.5}}',
    check: isJsonObject,
  },
} as const;

/** The selection that a command line names; empty where it names none. */
export function selectionOf(line: CommandLine): Scope & { filter?: Filter } {
  const namespace = line.text('namespace');
  const userId = line.text('about-user');
  const agentId = line.text('by-agent');
  const sessionId = line.text('session');
  const tags = line.all('tag');
  const filter = line.text('filter');
  return {
    ...(namespace === undefined ? {} : { namespace: namespaceOf(namespace) }),
    ...(userId === undefined ? {} : { userId }),
    ...(agentId === undefined ? {} : { agentId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(filter === undefined ? {} : { filter: JSON.parse(filter) as Filter }),
  };
}

/** A namespace as it was typed, once it was checked. */
export function namespaceOf(text: string): Namespace {
  return text.startsWith('[') ? (JSON.parse(text) as string[]) : text.split('/');
}
