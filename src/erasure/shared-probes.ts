import { nextTurn } from '../environment/timers';
import type { StoredContents } from '../state/queries/stored-content';
import { ByteSearch } from './byte-search';
import type { Probe } from './probes';

/** Reading and searching so many memories takes a few milliseconds. */
const memoriesPerTurn = 200;

/**
 * Finds those probes that memories which stay contain, too, such as a greeting that several users have sent. A file that contains such a probe
 * proves nothing.
 *
 * @param otherNames Names that stay although no memory has them, such as those of authors and rules.
 * @returns the numbers of these probes
 */
export async function sharedProbes(
  contents: StoredContents,
  probes: readonly Probe[],
  otherNames: readonly string[],
  signal?: AbortSignal,
): Promise<Set<number>> {
  const shared = new Set<number>();
  if (probes.length === 0) return shared;
  let left = new SharedSearch(probes, shared);
  const probed = new Set(probes.map(({ text }) => text));
  for (const name of otherNames) if (!probed.has(name)) left.lookAt(Buffer.from(name));
  for (let after = 0; shared.size < probes.length; ) {
    const found = contents.liveAfter(after, memoriesPerTurn);
    const known = shared.size;
    for (const { row, content } of found) {
      for (const text of content.texts) left.lookAtText(text);
      for (const value of [...content.names, ...content.metadata]) left.lookAt(Buffer.from(value));
      if (left.hasVectors) for (const vector of contents.vectorsOf(row)) left.lookAt(vector);
    }
    if (found.length < memoriesPerTurn) break;
    after = found.at(-1)?.row ?? after;
    // A common word would be found again in most memories.
    if (shared.size > known) left = new SharedSearch(probes, shared);
    signal?.throwIfAborted();
    await nextTurn();
  }
  return shared;
}

/** Searches for those probes that are not known to be shared. */
class SharedSearch {
  readonly hasVectors: boolean;
  readonly #search: ByteSearch;
  readonly #numbers: readonly number[];
  readonly #shared: Set<number>;

  constructor(probes: readonly Probe[], shared: Set<number>) {
    const left = [...probes.entries()].filter(([i]) => !shared.has(i));
    this.hasVectors = left.some(([, { field }]) => field === 'vector');
    this.#numbers = left.map(([i]) => i);
    this.#search = new ByteSearch(left.map(([, { text, bytes }]) => (text === undefined ? bytes : Buffer.from(text))));
    this.#shared = shared;
  }

  lookAt(value: Uint8Array): void {
    this.#search.search(value, (i) => this.#shared.add(this.#numbers[i] as number));
  }

  lookAtText(value: string): void {
    this.lookAt(Buffer.from(value));
    this.lookAt(Buffer.from(value.toLowerCase()));
  }
}
