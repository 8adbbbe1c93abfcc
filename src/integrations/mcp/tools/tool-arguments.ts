import { z } from 'zod';
import { defined } from '../../../domain/defined';
import type { Filter, Metadata, TimeSpan } from '../../../index';

const time = (meaning: string) =>
  z.exactOptional(z.string().describe(`${meaning} ISO 8601 with a time zone, such as 2026-01-31T08:00:00Z.`));
const strings = z.array(z.string());
const kind = z.enum(['episodic', 'semantic', 'procedural', 'summary']);
const priority = z.number().min(0).max(1);
// Strict providers reject a schema for an object without listed fields. Therefore models write such an object as JSON text. An object is
// accepted too.
const jsonObject = <T>(error: string) =>
  z
    .custom<T>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), { error })
    .meta({ type: 'string' });
const metadata = jsonObject<Metadata>('expected a JSON object, such as {"order": "A-1182"}.');

/** The namespace of a memory. */
export const namespace = z
  .array(z.string())
  .describe('A path of labels, such as ["support", "eu"]. Must be the namespace of this server or one below it.');

/** The id of a memory. */
export const id = z.string().min(1).describe('The id of a memory, as returned by the other tools.');

/** Makes a write fail if the memory has changed. */
export const ifRevision = z.exactOptional(
  z
    .int()
    .min(1)
    .describe(
      'The revision that you last read. The call fails with REVISION_CONFLICT if the memory has changed since.',
    ),
);

/** The fields of a new memory, except its text. */
export const newMemory = {
  namespace: z.exactOptional(namespace),
  kind: z.exactOptional(
    kind.describe(
      'episodic: an event. semantic: a fact. procedural: how to do something. summary: a summary of several memories. ' +
        'Default: episodic.',
    ),
  ),
  tags: z.exactOptional(strings.describe('Labels for exact filtering.')),
  priority: z.exactOptional(priority.describe('0 to 1. A higher priority ranks higher in searches. Default: 0.5.')),
  metadata: z.exactOptional(
    metadata.describe('Additional data: a JSON object as text, such as {"order": "A-1182"}. Filters can use it.'),
  ),
  userId: z.exactOptional(z.string().describe('The user that the memory is about. It gives that user no access.')),
  sessionId: z.exactOptional(z.string().describe('The session or conversation to which the memory belongs.')),
  visibility: z.exactOptional(
    z.enum(['shared', 'private']).describe('private: only its author can read it. Default: shared.'),
  ),
  accessTags: z.exactOptional(
    strings.describe('Only readers that are cleared for all of these tags can read the memory. Default: none.'),
  ),
  key: z.exactOptional(
    z
      .string()
      .describe(
        'Your own name for the memory, unique in its namespace. Writing the same key again revises the memory.',
      ),
  ),
  idempotencyKey: z.exactOptional(
    z.string().describe('If you repeat the call with the same value, the memory is stored only once.'),
  ),
  supersedes: z.exactOptional(
    z.string().describe('The id of an older memory that is no longer true and that this memory replaces.'),
  ),
  derivedFrom: z.exactOptional(
    strings.describe('The ids of the memories from which you made this one. It is never more trusted than they are.'),
  ),
  validFrom: time('When it became true. Default: now.'),
  validTo: time('When it stopped being true.'),
  expiresAt: time('When searches and lists stop returning it.'),
};

/** The fields that can be changed. */
export const patch = {
  text: z.exactOptional(z.string().describe('The new text.')),
  kind: z.exactOptional(kind.describe('The new kind.')),
  tags: z.exactOptional(strings.describe('The new tags, which replace all tags.')),
  priority: z.exactOptional(priority.describe('The new priority, 0 to 1.')),
  metadata: z.exactOptional(metadata.describe('The new metadata, which replaces all metadata: a JSON object as text.')),
  validFrom: time('When it became true.'),
  validTo: time('When it stopped being true.'),
  expiresAt: time('When searches and lists stop returning it.'),
};

/** The names of fields to reset to their default. It is a separate argument, because `null` counts as absent. */
export const reset = z.exactOptional(
  z
    .array(z.enum(['kind', 'tags', 'priority', 'metadata', 'validFrom', 'validTo', 'expiresAt']))
    .describe('Fields to set back to their default, such as ["tags", "expiresAt"].'),
);

/** Selects the memories to search or list. All given conditions must be true. */
export const selection = {
  namespace: z.exactOptional(namespace),
  userId: z.exactOptional(z.string().describe('Only memories about this user.')),
  agentId: z.exactOptional(z.string().describe('Only memories that this agent wrote.')),
  sessionId: z.exactOptional(z.string().describe('Only memories of this session.')),
  tags: z.exactOptional(strings.describe('Only memories that have all of these tags.')),
  filter: z.exactOptional(
    jsonObject<Filter>('expected a JSON object of conditions, such as {"priority": {"gte": 0.5}}.').describe(
      'Conditions on fields: a JSON object as text, such as {"priority": {"gte": 0.5}, "metadata": {"order": "A-1182"}}, ' +
        'or {"text": {"contains": "A-1182"}} for an exact part of the text. ' +
        'Combine conditions with "and", "or" and "not".',
    ),
  ),
  asOf: time('Only memories that were true at this time.'),
  from: time('Only memories that became true at this time or later.'),
  to: time('Only memories that became true before this time.'),
  include: z.exactOptional(
    z
      .array(z.enum(['expired', 'superseded', 'consolidated', 'quarantined']))
      .describe('Also returns memories in these states. Default: only active memories.'),
  ),
};

/** Makes the option `during` of the arguments `from` and `to`, which are separate because models fill in flat arguments best. */
export function withDuring<A extends TimeSpan>({ from, to, ...others }: A) {
  const during: TimeSpan | undefined = from === undefined && to === undefined ? undefined : defined({ from, to });
  return { ...others, ...defined({ during }) };
}
