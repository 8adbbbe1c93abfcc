import { defined } from '../../domain/defined';
import type { NewMemory, Principal } from '../../index';
import { type JsonLine, jsonLines } from '../json-lines';
import {
  contentKey,
  type ImportFormat,
  type ImportProblem,
  type ImportTarget,
  isJsonObject,
  type JsonObject,
  occurrenceCounter,
} from './import-format';

const importedFields = [
  ...([
    'text',
    'namespace',
    'key',
    'kind',
    'tags',
    'priority',
    'pinned',
    'metadata',
    'userId',
    'sessionId',
    'source',
  ] as const),
  ...(['validFrom', 'validTo', 'expiresAt', 'accessTags', 'visibility'] as const),
];
/** Fields that are ignored, because the new store sets them itself. Its trust becomes the highest that the new memory can have. */
const ignoredFields = [
  ...['id', 'revision', 'state', 'agentId', 'onBehalfOf', 'createdAt', 'updatedAt', 'supersedes', 'supersededBy'],
  ...['origin', 'trust'],
];
const knownFields: readonly string[] = [...importedFields, ...ignoredFields];

/** Reads the output of the export command. A memory with an id is stored only once, even if its line is imported again. */
export function exportFormat(target: ImportTarget): ImportFormat {
  const occurrenceOf = occurrenceCounter();
  return {
    readDocument: memoriesOf,
    parse: (value) => {
      if (!isJsonObject(value)) return { problem: 'not a memory: expected an object with a text.' };
      const unknown = Object.keys(value).filter((name) => !knownFields.includes(name));
      if (unknown.length > 0) return { problem: `unknown fields of a memory: ${unknown.join(', ')}. Remove them.` };
      if (value.state !== undefined && value.state !== 'active') {
        return { problem: `the memory is ${String(value.state)}. Only active memories can be imported.` };
      }
      return privacyProblem(value, target) ?? memoryOf(value, target, occurrenceOf);
    },
  };
}

/** The memories in an export. That of a subject has other lines, too, and memories that are not active. */
async function* memoriesOf(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<JsonLine> {
  for await (const each of jsonLines(pieces)) {
    const value = 'value' in each && isJsonObject(each.value) ? each.value : undefined;
    if (typeof value?.line !== 'string') yield each;
    else if (value.line !== 'memory') yield { number: each.number, skipped: `${value.line} lines` };
    else if (isJsonObject(value.memory) && value.memory.state !== 'active')
      yield { number: each.number, skipped: `${String(value.memory.state)} memories` };
    else yield { number: each.number, value: value.memory };
  }
}

function memoryOf(
  value: JsonObject,
  { namespace: root }: ImportTarget,
  occurrenceOf: (value: JsonObject) => number,
): NewMemory {
  const { id, key, revision, namespace: own } = value;
  const namespace = root === undefined ? own : [...root, ...(Array.isArray(own) ? own : [])];
  const all: JsonObject = { ...value, namespace };
  // If the memory has a key, a later revision revises it. Without a key a later revision must not become a second memory. It
  // therefore gets the same idempotency key: with other content that is a conflict.
  // A line without an id is the same as before if it has the same content and as many equal lines before it.
  const identity =
    id === undefined ? [root, value, occurrenceOf(value)] : [root, id, key === undefined ? undefined : revision];
  const fields = Object.fromEntries(importedFields.map((name) => [name, all[name]]));
  return defined({
    ...fields,
    maxTrust: all.trust,
    idempotencyKey: contentKey('import', ...identity),
  }) as unknown as NewMemory;
}

/**
 * Checks private memories. They may be imported only by their author, because otherwise they would become private memories of the
 * importer.
 */
function privacyProblem(value: JsonObject, { principal }: ImportTarget): ImportProblem | undefined {
  if (value.visibility !== 'private') return undefined;
  const author = [value.agentId, value.onBehalfOf];
  const importer = principal && namesOf(principal);
  if (importer?.every((name, i) => name === author[i])) return undefined;
  const name = author.filter(Boolean).join(' for ');
  return { problem: `private to its author (${name}). Import it as that author, with --agent and --on-behalf-of.` };
}

function namesOf(principal: Principal): readonly (string | undefined)[] {
  return [(principal as { agentId?: string }).agentId, principal.onBehalfOf?.userId];
}
