import { isCleared, mayIn, mayRead } from '../access/authorise';
import type { ChunkVectors, MemoryDraft, SpaceName } from '../domain/command';
import { invalidInput, MemoryError } from '../domain/errors';
import type { Metadata } from '../domain/json';
import { showNamespace } from '../domain/namespace';
import { issuesOf } from '../domain/parse/parse';
import { isPlain } from '../domain/parse/parse-json';
import type { ParsedMemory } from '../domain/parse/parse-memory';
import { isInScope, scopedFieldsOf } from '../domain/scope';
import { unit } from '../embedding/space-embedder';
import { forbiddenKey } from '../state/apply/apply-share';
import { relatedIssues } from './related-issues';
import type { Author, WriteContext } from './write-context';

/** A memory that passed every check that can be made before it is proposed. It lacks id, times and vectors. */
export interface CheckedMemory {
  readonly draft: Omit<MemoryDraft, 'id' | 'validFrom' | 'embedded'> & { readonly validFrom: number | undefined };
  /** The vector that came with it. */
  readonly given: ChunkVectors | undefined;
  readonly embed: boolean;
}

/**
 * Checks one memory: its shape, the store's schema for metadata, the bounds of the handle, the rules.
 *
 * @throws INVALID_INPUT with every issue, FORBIDDEN
 */
export async function checkMemory(context: WriteContext, author: Author, given: unknown): Promise<CheckedMemory> {
  // A vector that comes along is one of the space of this moment, wherever the store is when its turn comes.
  const { space } = context.embedder;
  // A copy: what is looked at several times must be the same each time, whatever the caller's object does.
  const input = typeof given === 'object' && given !== null && isPlain(given) ? { ...given } : given;
  const parsed = context.newMemory.safeParse(input);
  const { issues, metadata } = await relatedIssues(context, author, input, parsed.data && (parsed.data.metadata ?? {}));
  if (!parsed.success) throw invalidInput([...issuesOf(parsed.error), ...issues], 'The memory');
  if (issues.length > 0) throw invalidInput(issues, 'The memory');
  const value = completed(author, parsed.data, metadata);
  authorise(context, author, value);
  return candidateOf(context, value, space);
}

type Completed = Omit<ParsedMemory, 'namespace' | 'tags' | 'metadata'> &
  Pick<MemoryDraft, 'namespace' | 'tags' | 'metadata'>;

/** Fills in what the handle's scope gives. */
function completed({ scope }: Author, parsed: ParsedMemory, metadata: Metadata): Completed {
  const userId = parsed.userId ?? scope.userId;
  const sessionId = parsed.sessionId ?? scope.sessionId;
  return {
    ...parsed,
    namespace: parsed.namespace ?? scope.namespace ?? [],
    ...(userId === undefined ? {} : { userId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    tags: [...new Set([...(scope.tags ?? []), ...(parsed.tags ?? [])])],
    metadata: metadata,
  };
}

function authorise(context: WriteContext, { actor, scope }: Author, value: Completed): void {
  const { namespace, accessTags = [], key } = value;
  if (!isInScope(scope, scopedFieldsOf(actor, value))) {
    throw new MemoryError(
      'FORBIDDEN',
      `The memory for ${showNamespace(namespace)} lies outside the scope of this handle: use a handle with a wider scope.`,
    );
  }
  if (!mayIn(context.policy(), actor, 'write', namespace)) {
    throw new MemoryError('FORBIDDEN', `No rule allows writing in ${showNamespace(namespace)}, or one denies it.`);
  }
  if (!isCleared(context.policy(), actor, accessTags, namespace)) {
    throw new MemoryError(
      'FORBIDDEN',
      `Putting the access tags ${JSON.stringify(accessTags)} on a memory needs a clearance for each of them.`,
    );
  }
  if (key !== undefined && !mayRead(context.policy(), actor, { namespace, accessTags })) {
    throw forbiddenKey(key, namespace);
  }
}

function candidateOf(context: WriteContext, value: Completed, space: SpaceName): CheckedMemory {
  const { vector, embed, signal: _, idempotencyKey, validFrom, validTo, expiresAt } = value;
  const digest = idempotencyKey === undefined ? undefined : context.digest(contentOf(value));
  return {
    draft: {
      text: value.text,
      namespace: value.namespace,
      visibility: value.visibility ?? 'shared',
      accessTags: value.accessTags ?? [],
      kind: value.kind ?? 'episodic',
      tags: value.tags,
      priority: value.priority ?? 0.5,
      metadata: value.metadata,
      source: sourceOf(value),
      validFrom,
      ...(validTo === undefined ? {} : { validTo }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(value.key === undefined ? {} : { key: value.key }),
      ...(value.userId === undefined ? {} : { userId: value.userId }),
      ...(value.sessionId === undefined ? {} : { sessionId: value.sessionId }),
      ...(value.supersedes === undefined ? {} : { supersedes: value.supersedes }),
      ...(idempotencyKey === undefined || digest === undefined ? {} : { idempotency: { key: idempotencyKey, digest } }),
    },
    given: vector === undefined ? undefined : { space, vectors: [unit(vector)] },
    embed: embed !== false,
  };
}

function sourceOf({ source }: Completed): MemoryDraft['source'] {
  if (source === undefined) return { channel: 'agent' };
  return source.ref === undefined ? { channel: source.channel } : { channel: source.channel, ref: source.ref };
}

/** The content as it was asked for, in one order: two calls that ask for the same give the same. */
function contentOf({ signal: _, idempotencyKey: __, vector, ...content }: Completed): string {
  const asked = { ...content, vector: vector === undefined ? null : [...vector] };
  return JSON.stringify(asked, (_key, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
