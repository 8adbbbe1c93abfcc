import type { NewMemory } from '../../index';
import { listDocument } from './documents';
import { type Fields, type Format, isFields, present, type Target, textOf } from './format';

const known = [
  ...['id', 'memory', 'text', 'user_id', 'agent_id', 'run_id', 'app_id', 'actor_id', 'role', 'hash', 'metadata'],
  ...['categories', 'created_at', 'updated_at', 'expiration_date', 'score', 'immutable', 'name', 'owner', 'type'],
];

/**
 * What mem0's `get_all` gives, as JSON: `{ "results": [...] }`, a list, or lines. Users stay users, a run becomes a session,
 * categories become tags; agent, app and whatever else was known about a memory go to its metadata.
 */
export function mem0({ namespace }: Target): Format {
  return {
    document: (pieces) => listDocument(pieces, ['results', 'memories']),
    memory: (value) => {
      const text = isFields(value) ? (textOf(value, 'memory') ?? textOf(value, 'text')) : undefined;
      if (!isFields(value) || text === undefined) return { problem: 'is no memory of mem0: it has no field "memory".' };
      const unknown = Object.keys(value).filter((name) => !known.includes(name));
      if (unknown.length > 0) return { problem: `has fields that mem0 is not known to write: ${unknown.join(', ')}.` };
      return memoryOf(value, text, namespace);
    },
  };
}

function memoryOf(value: Fields, text: string, namespace: Target['namespace']): NewMemory {
  const { metadata, categories, agent_id, app_id, actor_id, role, updated_at } = value;
  const id = textOf(value, 'id');
  return {
    text,
    namespace: namespace ?? ['mem0'],
    kind: 'semantic',
    source: { channel: 'import', ref: 'mem0' },
    metadata: present({
      ...(isFields(metadata) ? metadata : {}),
      ...{ agent_id: agent_id ?? undefined, app_id: app_id ?? undefined, actor_id: actor_id ?? undefined },
      ...{ role: role ?? undefined, updated_at: updated_at ?? undefined },
    }),
    ...present({
      userId: textOf(value, 'user_id'),
      sessionId: textOf(value, 'run_id'),
      tags: Array.isArray(categories) ? (categories as string[]) : undefined,
      validFrom: textOf(value, 'created_at'),
      expiresAt: textOf(value, 'expiration_date'),
      idempotencyKey: id === undefined ? undefined : `mem0:${id}`,
    }),
  } as unknown as NewMemory;
}
