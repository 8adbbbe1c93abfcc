import { MemoryError } from '../domain/errors';
import type { Memory } from '../domain/memory';
import type { Caller } from '../domain/scope';
import { standsFor } from '../domain/short-id';
import { nextTurn } from '../environment/timers';
import { get } from './get';
import type { ReadContext } from './read-context';
import { compileSelection } from './visible-set';

// Checking so many ids takes about a millisecond. Many ids begin alike if many memories were stored in one minute.
const idsPerTurn = 1_000;

/** The maximum number of ids in an error about a short id. */
const maxListed = 5;

/** Every state that `get` returns, apart from expired memories. */
const states = new Set(['superseded', 'consolidated', 'quarantined'] as const);

/**
 * Finds the memories that the caller may read and whose ids begin with a short id. Memories that the caller may not read never make a
 * short id ambiguous. Only a few ids are checked in one turn of the event loop.
 */
export async function memoriesWithShortId(
  context: ReadContext,
  caller: Caller,
  shortId: string,
  signal?: AbortSignal,
): Promise<Memory[]> {
  const ids: string[] = [];
  let after: string | undefined = shortId;
  while (after !== undefined && ids.length <= maxListed) {
    const next: NextIds = context.snapshot(() => readIds(context, caller, { shortId, after: after as string }));
    ids.push(...next.ids);
    after = next.after;
    if (after === undefined) break;
    await nextTurn();
    signal?.throwIfAborted();
  }
  // Checked again in one moment, because several turns may have passed.
  return context.snapshot(() => ids.slice(0, maxListed + 1).flatMap((id) => get(context, caller, id) ?? []));
}

interface NextIds {
  readonly ids: string[];
  /** The last id that was checked. Undefined after the last. */
  readonly after: string | undefined;
}

function readIds(
  context: ReadContext,
  caller: Caller,
  { shortId, after }: { readonly shortId: string; readonly after: string },
): NextIds {
  const { records, selections } = context.state;
  const compiled = compileSelection(context, caller, { scope: {}, include: states });
  if (compiled === undefined) return { ids: [], after: undefined };
  const rows = records.rowsWithIdStart(shortId, after, idsPerTurn);
  const readable = new Set(
    selections.among(
      compiled,
      rows.map(({ row }) => row),
    ),
  );
  const ids = rows.flatMap(({ row, id }) => (readable.has(row) && standsFor(shortId, id) ? [id] : []));
  return { ids, after: rows.length < idsPerTurn ? undefined : rows.at(-1)?.id };
}

/** Makes the error for a short id of several memories. Lists only ids of memories that the caller may read. */
export function ambiguousId(shortId: string, memories: readonly Memory[]): MemoryError {
  const listed = memories.slice(0, maxListed).map(({ id }) => id);
  const more = memories.length > maxListed ? ' and more' : '';
  const message = `Several memories have an id that begins with ${shortId}: ${listed.join(', ')}${more}. Give more characters of the id.`;
  return new MemoryError('AMBIGUOUS_ID', message);
}
