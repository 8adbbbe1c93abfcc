import type { Metadata, NewMemory } from '../../index';
import { listDocument } from './documents';
import { type Fields, type Format, fingerprint, isFields, momentOf, present, type Target, textOf } from './format';

// Everything that has a place of its own in a memory, or says nothing about it.
const placed = [
  ...['id', 'memory', 'text', 'user_id', 'run_id', 'categories', 'created_at', 'expiration_date', 'metadata'],
  ...['hash', 'score'],
];

/**
 * What mem0's `get_all` gives, as JSON: `{ "results": [...] }` of its library and of version 2 of its platform, a list of version 1, or
 * lines; in the spelling of Python or of JavaScript. Users stay users, a run becomes a session, categories become tags; whatever else
 * was known about a memory goes to its metadata.
 */
export function mem0({ namespace = ['mem0'] }: Target): Format {
  return {
    document: (pieces) => listDocument(pieces, ['results', 'memories']),
    memory: (value) => {
      const fields = isFields(value) ? inSnakeCase(value) : {};
      const text = textOf(fields, 'memory') ?? textOf(fields, 'text');
      return text === undefined
        ? { problem: 'is no memory of mem0: it has no field "memory".' }
        : memoryOf(fields, text, namespace);
    },
  };
}

function memoryOf(fields: Fields, text: string, namespace: readonly string[]): NewMemory {
  const { metadata, categories, created_at, expiration_date } = fields;
  const id = textOf(fields, 'id');
  const others = Object.entries(fields).filter(([name, value]) => !placed.includes(name) && value !== null);
  return {
    text,
    namespace,
    kind: 'semantic',
    source: { channel: 'import', ref: 'mem0' },
    metadata: { ...(isFields(metadata) ? metadata : {}), ...Object.fromEntries(others) } as Metadata,
    idempotencyKey: fingerprint('mem0', namespace, id ?? fields),
    ...present({
      userId: textOf(fields, 'user_id'),
      sessionId: textOf(fields, 'run_id'),
      tags: Array.isArray(categories) ? (categories as string[]) : undefined,
      validFrom: momentOf(created_at),
      expiresAt: endOf(expiration_date),
    }),
  };
}

/** mem0 names the day from which a memory is gone. */
function endOf(value: unknown): string | undefined {
  const isDay = typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
  return isDay ? `${value}T00:00:00Z` : momentOf(value);
}

/** JavaScript spells `createdAt` what Python spells `created_at`. Metadata is the user's, and stays as it is. */
function inSnakeCase(value: Fields): Fields {
  const spelled = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [spelled(name), each]));
}
