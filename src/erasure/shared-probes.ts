import { nextTurn } from '../environment/timers';
import type { StoredContents } from '../state/queries/stored-content';
import { ByteSearch } from './byte-search';
import type { Probe } from './probes';

/** Reading and searching so many memories takes a few milliseconds. */
const memoriesPerTurn = 250;

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
  const texts = probes.map(({ text }) => (text === undefined ? undefined : Buffer.from(text)));
  const search = new ByteSearch(texts.map((text, i) => text ?? (probes[i] as Probe).bytes));
  const look = (value: Uint8Array) => search.search(value, (probe) => shared.add(probe));
  const lookAtText = (value: string) => {
    look(Buffer.from(value));
    look(Buffer.from(value.toLowerCase()));
  };
  const hasVectors = probes.some(({ field }) => field === 'vector');
  const probed = new Set(probes.map(({ text }) => text));
  for (const name of otherNames) if (!probed.has(name)) look(Buffer.from(name));
  for (let after = 0; shared.size < probes.length; ) {
    const found = contents.liveAfter(after, memoriesPerTurn);
    for (const { row, content } of found) {
      for (const text of content.texts) lookAtText(text);
      for (const value of [...content.names, ...content.metadata]) look(Buffer.from(value));
      if (hasVectors) for (const vector of contents.vectorsOf(row)) look(vector);
    }
    if (found.length < memoriesPerTurn) break;
    after = found.at(-1)?.row ?? after;
    signal?.throwIfAborted();
    await nextTurn();
  }
  return shared;
}
