import fc from 'fast-check';
import { casts } from '../worlds/cast';
import type { Library } from '../worlds/library';
import { comparePairs } from '../worlds/worlds';
import { cases } from './cases';
import { Distribution } from './distribution';
import { play } from './play';
import { Reference } from './reference';
import { World } from './world';

// Without auditors: the audit records when a watch was read, which in these libraries depends on timing.
const readers = casts.filter(({ audits }) => !audits);

export interface CheckOptions {
  readonly seed: number;
  readonly onEach?: () => void;
}

/** Checks the stores of a library with this many policies. Resolves to the number of reads. */
export async function playPoliciesIn(
  library: Library,
  policies: number,
  { seed, onEach }: CheckOptions,
): Promise<number> {
  const distribution = new Distribution();
  let calls = 0;
  const property = fc.asyncProperty(cases, async (given) => {
    calls += (await play(given, distribution, Reference, World, library)).calls;
    onEach?.();
  });
  await fc.assert(property, { seed, numRuns: policies });
  const { allowed = 0 } = distribution.shares();
  if (allowed < 0.2) throw new Error(`Only ${allowed} of the calls are allowed, which proves too little.`);
  return calls;
}

/** Compares this many pairs of worlds in the stores of a library. */
export function compareWorldsIn(library: Library, pairs: number, { seed, onEach }: CheckOptions): Promise<void> {
  return comparePairs(library, { pairs, seed, readers, onPair: onEach });
}
