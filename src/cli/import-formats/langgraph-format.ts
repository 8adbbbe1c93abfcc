import { defined } from '../../domain/defined';
import { indexTexts, itemAddress, valueMemory } from '../../integrations/langgraph/item-memory';
import {
  contentKey,
  type ImportFormat,
  type ImportTarget,
  isJsonObject,
  isoTime,
  type JsonObject,
  textField,
} from './import-format';
import { readListDocument } from './json-document';

const itemFields = [
  ...['prefix', 'namespace_path', 'namespace', 'key', 'value', 'score'],
  ...['created_at', 'updated_at', 'createdAt', 'updatedAt', 'expires_at', 'ttl_minutes'],
];

/**
 * Reads rows of the table `store` of PostgresStore from LangGraph (Python or JavaScript), as JSON. Also reads items from any
 * LangGraph store, as `JSON.stringify` or `Item.dict()` writes them. `MemoryHandleStore` can read the imported items.
 */
export function langgraphFormat({ namespace: root = [] }: ImportTarget): ImportFormat {
  return {
    readDocument: (pieces) => readListDocument(pieces, ['items', 'rows', 'results']),
    parse: (value) => {
      const namespace = isJsonObject(value) ? namespaceOf(value) : undefined;
      const key = isJsonObject(value) ? textField(value, 'key') : undefined;
      if (!isJsonObject(value) || namespace === undefined || key === undefined || !isJsonObject(value.value)) {
        return {
          problem: 'not a LangGraph item: expected a namespace (or prefix), a key, and a value that is an object.',
        };
      }
      const unknown = Object.keys(value).filter((name) => !itemFields.includes(name));
      if (unknown.length > 0)
        return { problem: `unknown fields of a LangGraph item: ${unknown.join(', ')}. Remove them.` };
      const changedAt = value.updated_at ?? value.updatedAt ?? value.created_at ?? value.createdAt;
      return {
        ...itemAddress({ root }, { namespace, key }),
        ...valueMemory(value.value, { texts: indexTexts(value.value), isWhole: true }),
        source: { channel: 'import', ref: 'langgraph' },
        idempotencyKey: contentKey('langgraph', root, namespace, key, value.value, changedAt),
        ...defined({ validFrom: isoTime(changedAt), expiresAt: isoTime(value.expires_at) }),
      };
    },
  };
}

/**
 * Returns the namespace of a row or item. Python joins labels with dots, which its labels cannot contain; JavaScript joins them with
 * colons.
 */
function namespaceOf(value: JsonObject): readonly string[] | undefined {
  const { namespace } = value;
  if (Array.isArray(namespace)) return namespace.every((label) => typeof label === 'string') ? namespace : undefined;
  return textField(value, 'prefix')?.split('.') ?? textField(value, 'namespace_path')?.split(':');
}
