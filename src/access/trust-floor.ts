import type { Namespace } from '../domain/namespace';
import { type Actor, sameActor } from '../domain/principal';
import type { Caller, ParsedScope } from '../domain/scope';
import { type TrustLevel, trustLevelOf } from '../domain/trust';
import { mayIn } from './authorise';
import type { Policy } from './policy';

/**
 * How a call looks at memories that are less trusted than it asks for. 'ordinary': they do not exist. 'quarantined': they exist for those
 * that may endorse. 'writing': they exist for those, and for their author, which may always revise and forget what it wrote.
 */
export type TrustView = 'ordinary' | 'quarantined' | 'writing';

/** The least trust that a scope asks for. Untrusted memories never are in it. */
export function leastTrust({ minTrust }: Pick<ParsedScope, 'minTrust'>): TrustLevel {
  return trustLevelOf(minTrust ?? 'reported');
}

/** Checks whether a memory is trusted enough for a caller. It does not check access. */
export function isTrustedEnough(
  policy: Policy,
  { actor, scope }: Caller,
  memory: { readonly trust: TrustLevel; readonly namespace: Namespace; readonly author: Actor },
  view: TrustView,
): boolean {
  if (memory.trust >= leastTrust(scope)) return true;
  if (view === 'ordinary' || scope.minTrust !== undefined) return false;
  return mayIn(policy, actor, 'endorse', memory.namespace) || (view === 'writing' && sameActor(memory.author, actor));
}
