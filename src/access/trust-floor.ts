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

/** A memory as far as trust asks about it. */
export interface TrustedMemory {
  readonly trust: TrustLevel;
  readonly namespace: Namespace;
  readonly author: Actor;
}

/**
 * Checks whether an actor may change a memory as far as its trust decides: nobody changes what is more trusted than itself. Authors may always
 * change their own memories, whose trust their own ceiling limits. In a store without ceilings nothing is decided here.
 */
export function mayChangeTrusted(policy: Policy, actor: Actor, { trust, namespace, author }: TrustedMemory): boolean {
  return policy.ceilingsText === '' || sameActor(author, actor) || policy.ceilingOf(actor, namespace) >= trust;
}

/** Checks whether a memory is trusted enough for a caller. It does not check access. */
export function isTrustedEnough(
  policy: Policy,
  { actor, scope }: Caller,
  memory: TrustedMemory,
  view: TrustView,
): boolean {
  if (memory.trust >= leastTrust(scope)) return true;
  if (view === 'ordinary' || scope.minTrust !== undefined) return false;
  return mayIn(policy, actor, 'endorse', memory.namespace) || (view === 'writing' && sameActor(memory.author, actor));
}
