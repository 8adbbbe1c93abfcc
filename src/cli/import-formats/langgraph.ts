import { indexTexts, itemAddress, valueMemory } from '../../integrations/langgraph/item-memory';
import { listDocument } from './documents';
import { type Fields, type Format, fingerprint, isFields, momentOf, present, type Target, textOf } from './format';

const known = [
  ...['prefix', 'namespace_path', 'namespace', 'key', 'value', 'score'],
  ...['created_at', 'updated_at', 'createdAt', 'updatedAt', 'expires_at', 'ttl_minutes'],
];

/**
 * Rows of the table `store` of LangGraph's PostgresStore, of Python or JavaScript, as JSON; and items of any store, as `JSON.stringify`
 * or `Item.dict()` writes them. `MemoryHandleStore` finds them afterwards.
 */
export function langgraph({ namespace: root = [] }: Target): Format {
  return {
    document: (pieces) => listDocument(pieces, ['items', 'rows', 'results']),
    memory: (value) => {
      const namespace = isFields(value) ? namespaceOf(value) : undefined;
      const key = isFields(value) ? textOf(value, 'key') : undefined;
      if (!isFields(value) || namespace === undefined || key === undefined || !isFields(value.value)) {
        return {
          problem: 'is no item of LangGraph: a namespace (or prefix), a key and a value that is an object are.',
        };
      }
      const unknown = Object.keys(value).filter((name) => !known.includes(name));
      if (unknown.length > 0) return { problem: `has fields that an item does not have: ${unknown.join(', ')}.` };
      const changedAt = value.updated_at ?? value.updatedAt ?? value.created_at ?? value.createdAt;
      return {
        ...itemAddress({ root }, { namespace, key }),
        ...valueMemory(value.value, indexTexts(value.value)),
        source: { channel: 'import', ref: 'langgraph' },
        idempotencyKey: fingerprint('langgraph', root, namespace, key, value.value, changedAt),
        ...present({ validFrom: momentOf(changedAt), expiresAt: momentOf(value.expires_at) }),
      };
    },
  };
}

/** Python joins labels with dots, which it allows in none; JavaScript joins them with colons. */
function namespaceOf(value: Fields): readonly string[] | undefined {
  const { namespace } = value;
  if (Array.isArray(namespace)) return namespace.every((label) => typeof label === 'string') ? namespace : undefined;
  return textOf(value, 'prefix')?.split('.') ?? textOf(value, 'namespace_path')?.split(':');
}
