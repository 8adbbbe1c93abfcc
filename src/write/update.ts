import type { ContentPatch } from '../domain/command';
import { invalidInput } from '../domain/errors';
import type { Memory } from '../domain/memory';
import type { ParsedPatch } from '../domain/parse/parse-memory';
import { hasMoved } from './embed-and-store';
import { checkedMetadata } from './metadata';
import { propose } from './propose';
import { stampOf } from './stamp';
import type { Author, WriteContext } from './write-context';

export interface ChangeOptions {
  readonly ifRevision?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The memory as it is now. Everything is decided anew in `apply`. */
export interface Target {
  readonly memory: Memory;
  /** Whether it has vectors: one that was stored without gets none. */
  readonly embedded: boolean;
}

/** Revises one memory. `null` in the patch sets a field back to its default. */
export async function update(
  context: WriteContext,
  author: Author,
  target: Target,
  parsed: ParsedPatch,
  { ifRevision, signal }: ChangeOptions,
): Promise<Memory> {
  const patch = await patchOf(context, parsed, target.memory);
  signal?.throwIfAborted();
  const call = signal === undefined ? {} : { signal };
  const texts = patch.text !== undefined && target.embedded ? [patch.text] : [];
  for (;;) {
    const [embedded] = await context.embedder.documents(texts, call);
    signal?.throwIfAborted();
    try {
      const { memory } = await propose(context, {
        type: 'update',
        id: target.memory.id,
        patch: embedded === undefined ? patch : { ...patch, embedded },
        ...(ifRevision === undefined ? {} : { ifRevision }),
        stamp: stampOf(context, author),
      });
      return memory;
    } catch (error) {
      if (!hasMoved(context, embedded, error)) throw error;
    }
  }
}

async function patchOf(context: WriteContext, parsed: ParsedPatch, memory: Memory): Promise<ContentPatch> {
  const { text, kind, tags, priority, metadata, validFrom, validTo, expiresAt } = parsed;
  const checked =
    metadata === undefined
      ? undefined
      : await checkedMetadata(context.metadataSchema, metadata ?? {}, context.limits.metadataBytes);
  const issues = [...(checked?.issues ?? [])];
  const from = validFrom === undefined ? memory.validFrom.getTime() : (validFrom ?? memory.createdAt.getTime());
  const to = validTo === undefined ? memory.validTo?.getTime() : validTo;
  if ((validFrom !== undefined || validTo !== undefined) && typeof to === 'number' && to <= from) {
    issues.push({ path: ['validTo'], message: 'must be later than validFrom.' });
  }
  if (issues.length > 0)
    throw invalidInput(
      issues.map(({ path, message }) => ({ path: ['patch', ...path], message })),
      'The patch',
    );
  return {
    ...(text === undefined ? {} : { text }),
    ...(kind === undefined ? {} : { kind: kind ?? 'episodic' }),
    ...(tags === undefined ? {} : { tags: tags ?? [] }),
    ...(priority === undefined ? {} : { priority: priority ?? 0.5 }),
    ...(checked === undefined ? {} : { metadata: checked.metadata }),
    ...(validFrom === undefined ? {} : { validFrom: from }),
    ...(validTo === undefined ? {} : { validTo }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}
