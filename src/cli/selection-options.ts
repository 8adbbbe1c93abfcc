import { defined } from '../domain/defined';
import type { Filter, Namespace, Scope, TimeSpan } from '../index';
import type { CommandLine } from './command-line';
import { jsonObjectText, namespaceText, timeText } from './option-checks';

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
  contains: { valueName: 'TEXT', help: 'only memories whose text contains this, with the same case' },
  filter: {
    valueName: 'JSON',
    help: 'only memories that match this filter expression, such as {"priority":{"gte":0.5}}',
    check: jsonObjectText,
  },
} as const;

/** Options that select memories by the time at which they became true. */
export const duringOptions = {
  from: {
    valueName: 'TIME',
    help: 'only what became true at this time or later: 2026-03-01T00:00:00Z',
    check: timeText,
  },
  to: { valueName: 'TIME', help: 'only what became true before this time', check: timeText },
} as const;

/** Returns the span of time that a command line selects. Empty if it selects none. */
export function duringOf(line: CommandLine): { during?: TimeSpan } {
  const during = defined({ from: line.text('from'), to: line.text('to') });
  return Object.keys(during).length === 0 ? {} : { during };
}

/** Returns the memories that a command line selects. Empty if there are no selection options. */
export function selectionOf(line: CommandLine): Scope & { filter?: Filter } {
  const given = line.text('filter');
  const contains = line.text('contains');
  const filters: Filter[] = [
    ...(given === undefined ? [] : [JSON.parse(given) as Filter]),
    ...(contains === undefined ? [] : [{ text: { contains } }]),
  ];
  const tags = line.texts('tag');
  return defined({
    namespace: namespaceOption(line),
    userId: line.text('about-user'),
    agentId: line.text('by-agent'),
    sessionId: line.text('session'),
    tags: tags.length === 0 ? undefined : tags,
    // A single filter is passed as it is, so that the paths of its issues are those of the command line.
    filter: filters.length > 1 ? { and: filters } : filters[0],
  });
}

/** Parses the value of `--namespace`, which the check of the option has accepted. */
export function namespaceOption(line: CommandLine): Namespace | undefined {
  const text = line.text('namespace');
  if (text === undefined) return undefined;
  return text.startsWith('[') ? (JSON.parse(text) as string[]) : text.split('/');
}
