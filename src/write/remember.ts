import type { CallOptions } from '../domain/calls';
import type { ChunkVectors, MemoryDraft } from '../domain/command';
import { defined } from '../domain/defined';
import type { RememberResult } from '../domain/memory';
import { ownSignal } from '../domain/realms';
import { type CheckedMemory, checkMemory } from './check';
import { isOutdated, submit } from './submit';
import type { Author, WriteContext } from './write-context';

/** Stores one memory. If a memory with the same key and labels exists, revises that one. */
export async function remember(
  context: WriteContext,
  author: Author,
  input: { text: unknown; signal?: AbortSignal },
): Promise<RememberResult> {
  const at = context.clock.now();
  const checked = await checkMemory(context, author, input);
  const signal = input.signal && ownSignal(input.signal);
  signal?.throwIfAborted();
  const { idempotency } = checked.draft;
  // If the call is a repetition, it is found here before the text is embedded. `apply` checks again, and its decision is the final one.
  const duplicate = idempotency && context.findDuplicate(author.actor, idempotency);
  if (duplicate !== undefined) return duplicate;
  const [remembered] = await storeMemories(context, [checked], { author, at, signal });
  return remembered as RememberResult;
}

/** The author and the time of a write, and a signal that can cancel the write before it is submitted. */
export interface WriteOptions {
  readonly author: Author;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Embeds memories and stores them in one command: all or none.
 *
 * @param drafts The drafts of the memories, if they were already embedded.
 */
export async function storeMemories(
  context: WriteContext,
  memories: readonly CheckedMemory[],
  { author, at, signal }: WriteOptions,
  drafts?: readonly MemoryDraft[],
): Promise<readonly RememberResult[]> {
  let embedded = drafts ?? (await embedDrafts(context, memories, { author, at, signal }));
  for (;;) {
    signal?.throwIfAborted();
    try {
      return (await submit(context, author, { type: 'remember', drafts: embedded }, at)).remembered;
    } catch (error) {
      // A vector from the caller was made for a certain space. It cannot be made again here.
      const isOurs = memories.every(({ given }) => given === undefined);
      if (!isOurs || !embedded.some((draft) => isOutdated(context, draft.embedded, error))) throw error;
      embedded = await embedDrafts(context, memories, { author, at, signal });
    }
  }
}

/** Embeds and screens memories in one batch, and makes drafts of them with ids and times. */
export async function embedDrafts(
  context: WriteContext,
  memories: readonly CheckedMemory[],
  { author, at, signal }: WriteOptions,
): Promise<MemoryDraft[]> {
  const call: CallOptions = defined({ signal });
  const toEmbed = memories.filter(({ given, embed }) => embed && given === undefined);
  const texts = toEmbed.map(({ draft }) => draft.text);
  const [made, limits = []] = await Promise.all([
    context.embedder.documents(texts, call),
    context.screening?.limits(
      author.actor,
      memories.map(({ draft }) => draft),
      call,
    ),
  ]);
  const vectors = new Map<CheckedMemory, ChunkVectors>(toEmbed.map((memory, i) => [memory, made[i] as ChunkVectors]));
  return memories.map((memory, i) => {
    const { draft, given } = memory;
    const limit = defined({ maxTrust: limits[i] });
    const complete = { ...draft, ...limit, id: context.newId(), validFrom: draft.validFrom ?? at };
    const embedded = given ?? vectors.get(memory);
    return embedded === undefined ? complete : { ...complete, embedded };
  });
}
