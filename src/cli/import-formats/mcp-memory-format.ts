import { defined } from '../../domain/defined';
import type { NewMemory } from '../../index';
import type { LineContent } from '../json-lines';
import { splitLines } from './chat-format';
import {
  contentKey,
  type ImportFormat,
  type ImportTarget,
  isJsonObject,
  type JsonObject,
  textField,
} from './import-format';
import { readListDocument } from './json-document';

/**
 * The knowledge graph of the MCP memory server: its file `memory.jsonl`, or the output of its tool `read_graph`. Each observation of an
 * entity and each relation is a memory.
 */
export function mcpMemoryFormat({ namespace = ['mcp-memory'] }: ImportTarget): ImportFormat {
  return {
    readDocument: (pieces) => splitLines(readListDocument(pieces, []), graphParts),
    parse: (value) => {
      const memory = value as Pick<NewMemory, 'text' | 'metadata' | 'tags'>;
      return {
        ...memory,
        namespace,
        kind: 'semantic',
        source: { channel: 'import', ref: 'mcp-memory' },
        idempotencyKey: contentKey('mcp-memory', namespace, memory),
      };
    },
  };
}

function* graphParts(value: unknown): Generator<LineContent> {
  if (isJsonObject(value) && (Array.isArray(value.entities) || Array.isArray(value.relations))) {
    for (const entity of listOf(value, 'entities')) yield* entityParts(entity);
    for (const relation of listOf(value, 'relations')) yield relationPart(relation);
  } else if (isJsonObject(value) && value.type === 'entity') yield* entityParts(value);
  else if (isJsonObject(value) && value.type === 'relation') yield relationPart(value);
  else yield { problem: 'not a part of a knowledge graph: expected an object of the type "entity" or "relation".' };
}

function listOf(value: JsonObject, name: string): readonly unknown[] {
  const list = value[name];
  return Array.isArray(list) ? list : [];
}

function* entityParts(entity: unknown): Generator<LineContent> {
  const name = isJsonObject(entity) ? textField(entity, 'name') : undefined;
  if (!isJsonObject(entity) || name === undefined) return yield { problem: 'not an entity: expected a "name".' };
  const entityType = textField(entity, 'entityType');
  const metadata = defined({ entity: name, entityType });
  const tags = entityType === undefined ? [] : [entityType];
  const observations = listOf(entity, 'observations').filter((each) => typeof each === 'string' && each.trim() !== '');
  const texts = observations.map((each) => `${name}: ${each}`);
  // An entity without observations is still known.
  if (texts.length === 0) texts.push(entityType === undefined ? name : `${name}: ${entityType}`);
  for (const text of texts) yield { value: { text, metadata, tags } };
}

function relationPart(relation: unknown): LineContent {
  const [from, to, relationType] = isJsonObject(relation)
    ? (['from', 'to', 'relationType'] as const).map((name) => textField(relation, name))
    : [];
  if (from === undefined || to === undefined || relationType === undefined)
    return { problem: 'not a relation: expected "from", "to" and "relationType".' };
  return {
    value: { text: `${from} ${relationType.replaceAll('_', ' ')} ${to}`, metadata: { from, to, relationType } },
  };
}
