import type { NewMemory } from '../../index';
import { type Fields, type Format, fingerprint, isFields, type Target } from './format';

const kept = [
  ...(['text', 'namespace', 'key', 'kind', 'tags', 'priority', 'metadata', 'userId', 'sessionId', 'source'] as const),
  ...(['validFrom', 'validTo', 'expiresAt', 'accessTags', 'visibility'] as const),
];
/** What the store decides by itself. */
const dropped = [
  'id',
  'revision',
  'state',
  'agentId',
  'onBehalfOf',
  'createdAt',
  'updatedAt',
  'supersedes',
  'supersededBy',
];

/** What `export` writes. A memory is stored once, however often its line is imported. */
export function ownExport(target: Target): Format {
  return {
    memory: (value) => {
      if (!isFields(value)) return { problem: 'is no memory: an object with a text is expected.' };
      const unknown = Object.keys(value).filter((name) => !([...kept, ...dropped] as string[]).includes(name));
      if (unknown.length > 0) return { problem: `has fields that a memory does not have: ${unknown.join(', ')}.` };
      if (value.state !== undefined && value.state !== 'active') {
        return { problem: `is ${String(value.state)}: only active memories are imported.` };
      }
      return privacyProblem(value, target) ?? memoryOf(value, target);
    },
  };
}

function memoryOf(value: Fields, { namespace: root }: Target): NewMemory {
  const { id, key, revision, namespace } = value;
  const place = root === undefined ? namespace : [...root, ...(Array.isArray(namespace) ? namespace : [])];
  const fields: Fields = { ...value, namespace: place };
  // A key is revised by a later export; what has none would be stored twice, and is a conflict.
  const name = [root, id, key === undefined ? undefined : revision];
  return {
    ...Object.fromEntries(kept.filter((each) => fields[each] !== undefined).map((each) => [each, fields[each]])),
    ...(id === undefined ? {} : { idempotencyKey: fingerprint('import', ...name) }),
  } as unknown as NewMemory;
}

/** A private memory belongs to its author: in the hands of somebody else it would be another one's secret. */
function privacyProblem(value: Fields, { principal }: Target): { problem: string } | undefined {
  if (value.visibility !== 'private') return undefined;
  const author = [value.agentId, value.onBehalfOf];
  const importer = principal && [(principal as { agentId?: string }).agentId, principal.onBehalfOf?.userId];
  if (importer?.every((name, i) => name === author[i])) return undefined;
  return {
    problem: `is private to its author (${author.filter(Boolean).join(' for ')}): import it with --agent and --on-behalf-of.`,
  };
}
