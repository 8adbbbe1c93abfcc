import { defined } from '../domain/defined';
import type { Filter, Namespace, Scope } from '../index';
import type { CommandLine } from './command-line';
import { jsonObjectText, namespaceText } from './option-checks';

/** Options that select memories. A memory must meet all of them. */
export const selectionOptions = {
  namespace: {
    valueName: 'PATH',
    help: 'only in this namespace or below: support/eu, or ["a/b","c"] if a label contains a slash',
    check: namespaceText,
  },
  'about-user': { valueName: 'ID', help: 'only memories about this user' },
  'by-agent': { valueName: 'ID', help: 'only memories that this agent wrote' },
  session: { valueName: 'ID', help: 'only memories from this session' },
  tag: {
    valueName: 'TAG',
    repeatable: true,
    help: 'only memories with this tag; if repeated, with all of these tags',
  },
  filter: {
    valueName: 'JSON',
    help: 'only memories that match this filter expression, such as {"priority":{"gte":0.5}}',
    check: jsonObjectText,
  },
} as const;

/** Returns the memories that a command line selects. Empty if there are no selection options. */
export function selectionOf(line: CommandLine): Scope & { filter?: Filter } {
  const filter = line.text('filter');
  const tags = line.texts('tag');
  return defined({
    namespace: namespaceOption(line),
    userId: line.text('about-user'),
    agentId: line.text('by-agent'),
    sessionId: line.text('session'),
    tags: tags.length === 0 ? undefined : tags,
    filter: filter === undefined ? undefined : (JSON.parse(filter) as Filter),
  });
}

/** Parses the value of `--namespace`, which the check of the option has accepted. */
export function namespaceOption(line: CommandLine): Namespace | undefined {
  const text = line.text('namespace');
  if (text === undefined) return undefined;
  return text.startsWith('[') ? (JSON.parse(text) as string[]) : text.split('/');
}
