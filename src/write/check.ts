import type { StandardSchemaV1 } from '@standard-schema/spec';
import { assertMayWrite } from '../access/may-write';
import type { ChunkVectors, Idempotency, MemoryDraft, SpaceName } from '../domain/command';
import { defined } from '../domain/defined';
import { type Issue, invalidInput } from '../domain/errors';
import type { Metadata } from '../domain/json';
import { jsonIssues, type ParsedMemory } from '../domain/parse/parse-memory';
import { issuesOf, toEpochMs, wellFormedCopy } from '../domain/parse/shapes';
import { isFloat32Array, isPlainObject } from '../domain/realms';
import { scopedFieldsOf } from '../domain/scope';
import { unit } from '../embedding/results';
import type { Author, WriteContext } from './write-context';

/** A memory that passed all checks that are possible before it is submitted. It has no id and no vectors yet. */
export interface CheckedMemory {
  readonly draft: Omit<MemoryDraft, 'id' | 'validFrom' | 'embedded'> & { readonly validFrom: number | undefined };
  /** The vector that the caller passed. */
  readonly given: ChunkVectors | undefined;
  /** True if the text must be embedded. */
  readonly embed: boolean;
}

/**
 * Checks one memory against the types of its fields, the store's metadata schema, the scope of the handle, and the access rules.
 *
 * @throws INVALID_INPUT with every issue, FORBIDDEN, QUOTA_EXCEEDED
 */
export async function checkMemory(context: WriteContext, author: Author, given: unknown): Promise<CheckedMemory> {
  // A vector from the caller belongs to the current space, even if the store switches to another space before the write is applied.
  const { space } = context.embedder;
  // The input is copied once, so that all checks see the same values even if a getter returns a different value each time.
  const input = isPlainObject(given) ? { ...given } : given;
  const parsed = context.parseMemory(input);
  const related = relatedIssues(context, author, input, parsed.data && (parsed.data.metadata ?? {}));
  // Without a schema there is nothing to wait for.
  const { issues, metadata } = context.metadataSchema === undefined ? related : await validated(context, related);
  if (!parsed.success) throw invalidInput([...issuesOf(parsed.error), ...issues], 'memory');
  if (issues.length > 0) throw invalidInput(issues, 'memory');
  const memory = completed(author, parsed.data, metadata);
  assertMayWrite(context.policy(), author, 'The memory', scopedFieldsOf(author.actor, memory), memory);
  // Text that will be refused is not embedded. A repeated call, or a revision by key, is no new memory: `apply` decides about these.
  const isNew = memory.key === undefined && memory.idempotencyKey === undefined;
  if (context.quotas !== undefined && isNew) context.assertFits(author.actor, memory);
  return checkedOf(memory, { space, idempotency: idempotencyOf(context, author, memory, input) });
}

type CompletedMemory = Omit<ParsedMemory, 'namespace' | 'tags' | 'metadata'> &
  Pick<MemoryDraft, 'namespace' | 'tags' | 'metadata'>;

/** Adds the fields that are set by the scope of the handle. */
function completed({ scope }: Author, parsed: ParsedMemory, metadata: Metadata): CompletedMemory {
  const { userId = scope.userId, sessionId = scope.sessionId } = parsed;
  return {
    ...parsed,
    namespace: parsed.namespace ?? scope.namespace ?? [],
    tags: [...new Set([...(scope.tags ?? []), ...(parsed.tags ?? [])])],
    metadata,
    ...(userId === parsed.userId && sessionId === parsed.sessionId ? undefined : defined({ userId, sessionId })),
  };
}

function checkedOf(
  memory: CompletedMemory,
  { space, idempotency }: { space: SpaceName; idempotency: Idempotency | undefined },
): CheckedMemory {
  const { vector, embed, validTo, expiresAt, userId, sessionId, supersedes } = memory;
  const sources = [...new Set(memory.derivedFrom)];
  const derivedFrom = sources.length === 0 ? undefined : sources;
  return {
    draft: {
      text: memory.text,
      namespace: memory.namespace,
      visibility: memory.visibility ?? 'shared',
      accessTags: memory.accessTags ?? [],
      kind: memory.kind ?? 'episodic',
      tags: memory.tags,
      priority: memory.priority ?? 0.5,
      metadata: memory.metadata,
      source: defined({ channel: memory.source?.channel ?? 'agent', ref: memory.source?.ref }),
      validFrom: memory.validFrom,
      ...defined({
        validTo,
        expiresAt,
        pinned: memory.pinned === true ? true : undefined,
        key: memory.key,
        userId,
        sessionId,
        supersedes,
        derivedFrom,
        maxTrust: memory.maxTrust,
        idempotency,
      }),
    },
    given: vector === undefined ? undefined : { space, vectors: [unit(vector)] },
    embed: embed !== false,
  };
}

/** The names in a memory. */
type GivenNames = {
  readonly [F in 'userId' | 'sessionId' | 'key' | 'idempotencyKey']?: string | undefined;
} & { readonly [F in 'namespace' | 'tags' | 'accessTags']?: readonly string[] | undefined };

/** @param input The memory before parsing, with names in the form in which the caller wrote them. */
function idempotencyOf(
  context: WriteContext,
  { scope }: Author,
  memory: CompletedMemory,
  input: unknown,
): Idempotency | undefined {
  const { idempotencyKey: key } = memory;
  if (key === undefined) return undefined;
  const given = input as GivenNames;
  const forms = new Set([key.normalize('NFD'), given.idempotencyKey ?? key]);
  forms.delete(key);
  // The form in which the names of the scope were given is no longer known. It was probably the same for all of them.
  const names = new Set([scope, decomposed(scope)].map((each) => JSON.stringify(namesAsGiven(each, given))));
  names.delete(JSON.stringify(namesAsGiven(scope, memory)));
  const digestWith = (json: string) => context.digest(contentText({ ...memory, ...JSON.parse(json) }));
  return {
    key: context.hashIdempotencyKey(key),
    digest: context.digest(contentText(memory)),
    ...(forms.size === 0 ? {} : { earlierKeys: [...forms].map((form) => context.hashIdempotencyKey(form)) }),
    ...(names.size === 0 ? {} : { earlierDigests: [...names].map(digestWith) }),
  };
}

/** The names of a memory as an earlier release completed them: those that the caller did not write come from the scope. */
function namesAsGiven(scope: Author['scope'], given: GivenNames) {
  const { namespace = scope.namespace ?? [], userId = scope.userId, sessionId = scope.sessionId } = given;
  const { key, accessTags, tags = [] } = given;
  return {
    namespace: [...namespace],
    tags: [...new Set([...(scope.tags ?? []), ...tags])],
    ...defined({ userId, sessionId, key, accessTags: accessTags && [...new Set(accessTags)] }),
  };
}

/** Converts the names of a scope to NFD, in which letters and their accents are separate characters. */
function decomposed({ namespace, tags, userId, sessionId }: Author['scope']): Author['scope'] {
  const nfd = (name: string) => name.normalize('NFD');
  return defined({
    namespace: namespace?.map(nfd),
    tags: tags?.map(nfd),
    userId: userId?.normalize('NFD'),
    sessionId: sessionId?.normalize('NFD'),
  });
}

/**
 * Converts the content of a call to text with sorted keys, so that two calls with the same content give the same text. The trust is left
 * out, because an import of an earlier release can be repeated, which stated none.
 */
function contentText({ signal: _, idempotencyKey: __, maxTrust: ___, vector, ...content }: CompletedMemory): string {
  const all = { ...content, vector: vector === undefined ? null : [...vector] };
  return JSON.stringify(all, (_key, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/**
 * Finds issues that depend on several fields, on the handle or on the store. It checks the input before parsing, so that one error can
 * report these issues together with the issues in single fields.
 *
 * @param parsed The metadata, copied from the input, if it is an object.
 */
function relatedIssues(
  context: WriteContext,
  { scope }: Author,
  input: unknown,
  parsed: Metadata | undefined,
): RelatedIssues {
  if (typeof input !== 'object' || input === null) return { issues: [], metadata: {}, isJson: false };
  const { namespace, vector, embed, validFrom, validTo, metadata = {} } = input as { [field: string]: unknown };
  const issues: Issue[] = [];
  if (namespace === undefined && scope.namespace === undefined) {
    const message = 'expected a namespace, got none. Give one, or use a handle that has one.';
    issues.push({ path: ['namespace'], message });
  }
  if (isFloat32Array(vector)) issues.push(...context.embedder.vectorIssues(vector, ['vector']));
  if (vector !== undefined && embed === false) {
    issues.push({
      path: ['embed'],
      message: 'expected no value together with `vector`, got false. Leave one of them out.',
    });
  }
  const [from, to] = [toEpochMs(validFrom), toEpochMs(validTo)];
  if (from !== undefined && to !== undefined && to <= from) {
    issues.push({ path: ['validTo'], message: 'expected a time after validFrom, got an earlier or equal one.' });
  }
  const json = parsed ?? (isJsonObject(metadata, context.limits.metadataBytes) ? metadata : undefined);
  return { issues, metadata: json ?? {}, isJson: json !== undefined };
}

interface RelatedIssues {
  readonly issues: readonly Issue[];
  readonly metadata: Metadata;
  /** False if the input has no metadata that the schema could validate. */
  readonly isJson: boolean;
}

/** Adds the issues that the store's schema finds in the metadata, and replaces the metadata by the schema's output. */
async function validated(context: WriteContext, related: RelatedIssues): Promise<Omit<RelatedIssues, 'isJson'>> {
  if (!related.isJson) return related;
  const { issues, metadata } = await validateMetadata(context, related.metadata);
  return { issues: [...related.issues, ...issues], metadata };
}

function isJsonObject(metadata: unknown, maxBytes: number): metadata is Metadata {
  return isPlainObject(metadata) && jsonIssues(metadata, maxBytes).length === 0;
}

/** Validates metadata with the store's schema. Returns the schema's output, or the issues if the schema rejects the metadata. */
export async function validateMetadata(
  { metadataSchema, limits }: Pick<WriteContext, 'metadataSchema' | 'limits'>,
  metadata: Metadata,
): Promise<{ metadata: Metadata; issues: readonly Issue[] }> {
  if (metadataSchema === undefined) return { metadata, issues: [] };
  const result: StandardSchemaV1.Result<unknown> = await metadataSchema['~standard'].validate(metadata);
  if (result.issues === undefined) {
    const value = result.value as Metadata;
    const issues = outputIssues(value, limits.metadataBytes);
    return { metadata: issues.length > 0 ? value : wellFormedCopy(value), issues };
  }
  const issues = result.issues.map(({ message, path }) => ({ message, path: ['metadata', ...(path ?? []).map(step)] }));
  return { metadata, issues };
}

/** Checks the output of a schema like input from a caller, because a schema may return anything. */
function outputIssues(value: unknown, maxBytes: number): Issue[] {
  const path = ['metadata'];
  if (!isPlainObject(value)) {
    return [{ path, message: 'expected the schema to return an object of JSON values, got something else.' }];
  }
  const issues = jsonIssues(value, maxBytes, path);
  if (issues.length > 0) return issues;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= maxBytes) return [];
  return [{ path, message: `expected the schema to return at most ${maxBytes} bytes of JSON, got ${bytes}.` }];
}

function step(segment: PropertyKey | { key: PropertyKey }): string | number {
  const key = typeof segment === 'object' ? segment.key : segment;
  return typeof key === 'number' ? key : String(key);
}
