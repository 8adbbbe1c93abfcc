import fc from 'fast-check';
import * as direct from 'multi-agent-memory';
import { cases } from '../../access/cases';
import { Distribution } from '../../access/distribution';
import { play } from '../../access/play';
import { Reference } from '../../access/reference';
import { World } from '../../access/world';
import { casts } from '../../worlds/cast';
import type { Library } from '../../worlds/library';
import { comparePairs } from '../../worlds/worlds';
import { connectedLibrary } from '../connected-library';

const { MemoryStore } = connectedLibrary(direct);
const connected: Library = {
  inMemory: (options) => MemoryStore.inMemory(options),
  open: (folder, options) => MemoryStore.open(folder, options),
  // A call and its answer take three turns of the event loop.
  turns: 12,
};
// Without auditors: the audit records when a watch was read, which over a socket depends on timing.
const readers = casts.filter(({ audits }) => !audits);

interface CheckOptions {
  readonly seed: number;
  readonly onEach?: () => void;
}

/** Checks connected stores with this many policies. Resolves to the number of reads. */
export async function playPolicies(policies: number, { seed, onEach }: CheckOptions): Promise<number> {
  const distribution = new Distribution();
  let calls = 0;
  const property = fc.asyncProperty(cases, async (given) => {
    calls += (await play(given, distribution, Reference, World, connected)).calls;
    onEach?.();
  });
  await fc.assert(property, { seed, numRuns: policies });
  const { allowed = 0 } = distribution.shares();
  if (allowed < 0.2) throw new Error(`Only ${allowed} of the calls are allowed, which proves too little.`);
  return calls;
}

/** Compares this many pairs of worlds in connected stores. */
export function compareWorlds(pairs: number, { seed, onEach }: CheckOptions): Promise<void> {
  return comparePairs(connected, { pairs, seed, readers, onPair: onEach });
}
