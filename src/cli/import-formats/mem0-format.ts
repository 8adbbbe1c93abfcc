import { defined } from '../../domain/defined';
import type { Metadata, NewMemory } from '../../index';
import {
  contentKey,
  type ImportFormat,
  type ImportTarget,
  isJsonObject,
  isoTime,
  type JsonObject,
  occurrenceCounter,
  textField,
} from './import-format';
import { readListDocument } from './json-document';

// The fields that become fields of the memory, and the fields that say nothing about it (hash, score). All other fields become
// metadata.
const mappedFields = [
  ...['id', 'memory', 'text', 'user_id', 'run_id', 'categories', 'created_at', 'expiration_date', 'metadata'],
  ...['hash', 'score'],
];

/**
 * Reads the output of `get_all` from mem0, as JSON: `{ "results": [...] }` from the library or from version 2 of the platform, a
 * list from version 1, or JSON Lines. The field names may be those of Python or of JavaScript. A mem0 run becomes a session, and
 * categories become tags. Fields that a memory does not have become metadata.
 */
export function mem0Format({ namespace = ['mem0'] }: ImportTarget): ImportFormat {
  const occurrenceOf = occurrenceCounter();
  return {
    readDocument: (pieces) => readListDocument(pieces, ['results', 'memories']),
    parse: (value) => {
      const fields = isJsonObject(value) ? withSnakeCaseKeys(value) : {};
      const text = textField(fields, 'memory') ?? textField(fields, 'text');
      return text === undefined
        ? { problem: 'not a memory of mem0: expected an object with a field "memory".' }
        : memoryOf(fields, text, namespace, occurrenceOf);
    },
  };
}

function memoryOf(
  fields: JsonObject,
  text: string,
  namespace: readonly string[],
  occurrenceOf: (fields: JsonObject) => number,
): NewMemory {
  const { metadata, categories, created_at, expiration_date } = fields;
  const id = textField(fields, 'id');
  const others = Object.entries(fields).filter(([name, value]) => !mappedFields.includes(name) && value !== null);
  return {
    text,
    namespace,
    kind: 'semantic',
    source: { channel: 'import', ref: 'mem0' },
    metadata: { ...(isJsonObject(metadata) ? metadata : {}), ...Object.fromEntries(others) } as Metadata,
    idempotencyKey:
      id === undefined
        ? contentKey('mem0', namespace, fields, occurrenceOf(fields))
        : contentKey('mem0', namespace, id),
    ...defined({
      userId: textField(fields, 'user_id'),
      sessionId: textField(fields, 'run_id'),
      tags: Array.isArray(categories) ? (categories as string[]) : undefined,
      validFrom: isoTime(created_at),
      expiresAt: expiryTime(expiration_date),
    }),
  };
}

/** Converts an expiry time. mem0 may give a day without a time; the memory then expires at the start of that day. */
function expiryTime(value: unknown): string | undefined {
  const isDay = typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
  return isDay ? `${value}T00:00:00Z` : isoTime(value);
}

/** Converts keys from the form of JavaScript (`createdAt`) to the form of Python (`created_at`). Keys inside `metadata` stay unchanged. */
function withSnakeCaseKeys(value: JsonObject): JsonObject {
  const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [snakeCase(name), each]));
}
