import type { CallOptions } from '../domain/calls';
import type { ContentPatch, LabelChange, UndoneConsolidation } from '../domain/command';
import { defined } from '../domain/defined';
import { invalidInput } from '../domain/errors';
import type { Memory } from '../domain/memory';
import type { ParsedPatch } from '../domain/parse/parse-memory';
import type { MinTrust, Trust } from '../domain/trust';
import { validateMetadata } from './check';
import { isOutdated, submit } from './submit';
import type { Author, WriteContext } from './write-context';

/** Options of a change to one memory. */
export interface ChangeOptions {
  /** The revision that the caller has read. The change is refused if the memory has another revision. */
  readonly ifRevision?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The memory before the update. `apply` reads it again, and its decision is the final one. */
export interface Target {
  readonly memory: Memory;
  /** True if the memory has vectors. A memory that was stored without vectors gets none for a new text either. */
  readonly embedded: boolean;
}

/** Revises the content of one memory. A `null` in the patch resets the field to its default. */
export async function update(
  context: WriteContext,
  author: Author,
  { memory, embedded }: Target,
  parsed: ParsedPatch,
  { ifRevision, signal }: ChangeOptions,
): Promise<Memory> {
  const patch = await patchOf(context, parsed, memory);
  signal?.throwIfAborted();
  const texts = patch.text !== undefined && embedded ? [patch.text] : [];
  const maxTrust = await limitOf(context, author, memory, patch.text, defined({ signal }));
  for (;;) {
    const [vectors] = await context.embedder.documents(texts, defined({ signal }));
    signal?.throwIfAborted();
    try {
      const change = {
        id: memory.id,
        patch: { ...patch, ...defined({ embedded: vectors, maxTrust }) },
        ...defined({ ifRevision }),
      };
      return (await submit(context, author, { type: 'update', ...change })).memory;
    } catch (error) {
      if (!isOutdated(context, vectors, error)) throw error;
    }
  }
}

/** 'untrusted' if the new text goes into quarantine. */
async function limitOf(
  { screening }: WriteContext,
  { actor }: Author,
  { namespace, source }: Memory,
  text: string | undefined,
  call: CallOptions,
): Promise<Trust | undefined> {
  if (text === undefined || screening === undefined) return undefined;
  const [limit] = await screening.limits(actor, [{ text, namespace, source }], call);
  return limit;
}

async function patchOf(context: WriteContext, parsed: ParsedPatch, memory: Memory): Promise<ContentPatch> {
  const { text, kind, tags, priority, pinned, metadata, validFrom, validTo, expiresAt } = parsed;
  const validated = metadata === undefined ? undefined : await validateMetadata(context, metadata ?? {});
  const issues = [...(validated?.issues ?? [])];
  const from = validFrom === undefined ? memory.validFrom.getTime() : (validFrom ?? memory.createdAt.getTime());
  const to = validTo === undefined ? memory.validTo?.getTime() : validTo;
  if ((validFrom !== undefined || validTo !== undefined) && typeof to === 'number' && to <= from) {
    issues.push({ path: ['validTo'], message: 'expected a time after validFrom, got an earlier or equal one.' });
  }
  if (issues.length > 0) {
    const inPatch = issues.map(({ path, message }) => ({ path: ['patch', ...path], message }));
    throw invalidInput(inPatch, 'patch');
  }
  return defined({
    text,
    kind: kind === null ? 'episodic' : kind,
    tags: tags === null ? [] : tags,
    priority: priority === null ? 0.5 : priority,
    pinned: pinned === null ? false : pinned,
    metadata: validated?.metadata,
    validFrom: validFrom === undefined ? undefined : from,
    validTo,
    expiresAt,
  });
}

/** Changes who may read one memory. */
export async function share(
  context: WriteContext,
  author: Author,
  id: string,
  change: LabelChange,
  { ifRevision, signal }: ChangeOptions,
): Promise<Memory> {
  signal?.throwIfAborted();
  return (await submit(context, author, { type: 'share', id, change, ...defined({ ifRevision }) })).memory;
}

/** States that the content of one memory may be relied on. */
export async function endorse(
  context: WriteContext,
  author: Author,
  id: string,
  as: MinTrust,
  { ifRevision, signal }: ChangeOptions,
): Promise<Memory> {
  signal?.throwIfAborted();
  return (await submit(context, author, { type: 'endorse', id, as, ...defined({ ifRevision }) })).memory;
}

/** Forgets a fact, and makes its sources active again. */
export async function undoConsolidation(
  context: WriteContext,
  author: Author,
  id: string,
  signal: AbortSignal | undefined,
): Promise<UndoneConsolidation> {
  signal?.throwIfAborted();
  const { facts, sources } = await submit(context, author, { type: 'undo-consolidation', id });
  return { facts: [...facts], sources: [...sources] };
}
