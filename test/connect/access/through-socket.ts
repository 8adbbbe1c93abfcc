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
import { throughConnect } from '../through-connect';

const { MemoryStore } = throughConnect(direct);
const connected: Library = {
  inMemory: (options) => MemoryStore.inMemory(options),
  open: (folder, options) => MemoryStore.open(folder, options),
  // A question and its answer take three.
  turns: 12,
};
// Not who audits: when a watch was read is in the audit, and over a socket that depends on the moment.
const readers = casts.filter(({ audits }) => !audits);

interface Wanted {
  readonly seed: number;
  readonly onEach?: () => void;
}

/** Plays so many policies against stores at the other end of a socket. Resolves to the number of reads. */
export async function playPolicies(policies: number, { seed, onEach }: Wanted): Promise<number> {
  const distribution = new Distribution();
  let calls = 0;
  const property = fc.asyncProperty(cases, async (given) => {
    calls += (await play(given, distribution, Reference, World, connected)).calls;
    onEach?.();
  });
  await fc.assert(property, { seed, numRuns: policies });
  const { allowed = 0 } = distribution.shares();
  if (allowed < 0.2) throw new Error(`Of what was asked, ${allowed} is allowed: too little to prove anything.`);
  return calls;
}

/** Compares so many pairs of worlds at the other end of a socket. */
export function compareWorlds(pairs: number, { seed, onEach }: Wanted): Promise<void> {
  return comparePairs(connected, { pairs, seed, readers, onPair: onEach });
}
