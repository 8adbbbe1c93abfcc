import { isDeepStrictEqual } from 'node:util';
import type { Limits } from '../limits';

/**
 * Returns a function that makes schemas for the limits of a store. Stores whose limits equal those of the latest call share its schemas,
 * because making them was a fifth of the processor time of opening a store.
 */
export function forLimits<T>(make: (limits: Limits) => T): (limits: Limits) => T {
  let latest: { readonly limits: Limits; readonly made: T } | undefined;
  return (limits) => {
    if (latest === undefined || !isDeepStrictEqual(latest.limits, limits)) {
      latest = { limits: { ...limits }, made: make(limits) };
    }
    return latest.made;
  };
}
