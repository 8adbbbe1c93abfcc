import { z } from 'zod';
import type { Filter } from '../../../index';

const time = (what: string) => z.exactOptional(z.string().describe(`${what} ISO 8601 with a zone.`));
const nullable = <T extends z.ZodType>(shape: T) => z.exactOptional(shape.nullable());
const names = z.array(z.string());
const kind = z.enum(['episodic', 'semantic', 'procedural', 'summary']);
const priority = z.number().min(0).max(1);
const metadata = z.record(z.string(), z.json());

/** Where a memory is, as a path of labels. */
export const namespace = z
  .array(z.string())
  .describe('A path of labels, such as ["support", "eu"]. It can only narrow what this server was started with.');

/** The id of a memory. */
export const id = z.string().min(1).describe('The id of a memory, as other tools give it.');

/** What a new memory is written with, beside its text. */
export const newMemory = {
  namespace: z.exactOptional(namespace),
  kind: z.exactOptional(
    kind.describe('What happened, what is so, how something is done, or what many come to. Default: episodic.'),
  ),
  tags: z.exactOptional(names.describe('Words to find it by exactly.')),
  priority: z.exactOptional(priority.describe('Default: 0.5.')),
  metadata: z.exactOptional(metadata.describe('Any JSON that belongs to it.')),
  userId: z.exactOptional(z.string().describe('Whom it is about. Gives nobody access.')),
  sessionId: z.exactOptional(z.string()),
  visibility: z.exactOptional(
    z.enum(['shared', 'private']).describe('private: nobody but its author reads it. Default: shared.'),
  ),
  accessTags: z.exactOptional(names.describe('Only who is cleared for all of them reads it.')),
  key: z.exactOptional(
    z.string().describe('A name of your own for it: the same key written again revises the memory.'),
  ),
  idempotencyKey: z.exactOptional(z.string().describe('Makes a repeated call harmless.')),
  supersedes: z.exactOptional(
    z.string().describe('The id of a memory that this one takes the place of, because the world has changed.'),
  ),
  validFrom: time('When it became true; default: now.'),
  validTo: time('When it stopped being true.'),
  expiresAt: time('From then on it is not found any more.'),
};

/** What can be changed of a memory. */
export const patch = {
  text: z.exactOptional(z.string()),
  kind: nullable(kind),
  tags: nullable(names),
  priority: nullable(priority),
  metadata: nullable(metadata),
  validFrom: nullable(z.string()),
  validTo: nullable(z.string()),
  expiresAt: nullable(z.string()),
};

/** Among which memories a tool looks. */
export const selection = {
  namespace: z.exactOptional(namespace),
  userId: z.exactOptional(z.string().describe('Only what is about this user.')),
  agentId: z.exactOptional(z.string().describe('Only what this agent wrote.')),
  sessionId: z.exactOptional(z.string()),
  tags: z.exactOptional(names.describe('Only what has all of them.')),
  filter: z.exactOptional(
    z
      .custom<Filter>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
        error: 'must be an object of conditions.',
      })
      .meta({ type: 'object' })
      .describe(
        'Conditions by field, such as {"priority": {"gte": 0.5}, "metadata": {"order": "A-1182"}}; and, or, not combine them.',
      ),
  ),
  asOf: time('What was true at that time.'),
  include: z.exactOptional(
    z.array(z.enum(['expired', 'superseded', 'quarantined'])).describe('What is left out otherwise.'),
  ),
};
