import fc from 'fast-check';
import { type Cast, casts } from './cast';
import { script } from './deeds';
import type { Library } from './library';
import { compare } from './pair';

const sizes = fc.record({
  memoryBytes: fc.constantFrom(0, 6_000, 2 ** 28),
  exactUpTo: fc.constantFrom(3, 20_000),
  // Recording reads takes a third of the time, so most pairs do not record them.
  audit: fc.constantFrom({ reads: 'off' as const }, { reads: 'off' as const }, { reads: 'batched' as const }),
});
const caution = fc.record({
  ceilings: fc.boolean(),
  retention: fc.boolean(),
  minTrust: fc.constantFrom(undefined, 'reported' as const, 'standard' as const),
});
const worlds = (readers: readonly Cast[]) =>
  fc
    .constantFrom(...readers)
    .chain((cast) => fc.record({ cast: fc.constant(cast), deeds: script(cast), sizes, caution }));

interface Wanted {
  readonly pairs: number;
  readonly seed: number;
  readonly shrink?: boolean;
  /** The casts whose readers are tested. Default: all. */
  readonly readers?: readonly Cast[];
  readonly onPair?: (() => void) | undefined;
}

/** Compares this number of pairs of worlds. If a pair differs, throws an error with the shortest script found that shows it. */
export async function comparePairs(
  library: Library,
  { pairs, seed, shrink = true, readers = casts, onPair }: Wanted,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(worlds(readers), async ({ cast, deeds, sizes: size, caution: careful }) => {
      const difference = await compare(library, cast, deeds, size, careful);
      onPair?.();
      if (difference !== undefined) throw new Error(told(cast.name, difference));
    }),
    { numRuns: pairs, seed, endOnFailure: !shrink },
  );
}

function told(
  name: string,
  { at, alone, beside }: { at: string; alone: string | undefined; beside: string | undefined },
) {
  return `For ${name} the two worlds differ at ${at}.\nWithout what is hidden: ${alone}\nWith it: ${beside}`;
}
