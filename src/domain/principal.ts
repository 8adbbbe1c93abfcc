/** Who acts: an agent, a user or a service, perhaps on behalf of a user. The host program asserts it; nothing is registered. */
export type Principal = ({ agentId: string } | { userId: string } | { serviceId: string }) & {
  onBehalfOf?: { userId: string };
};

export type PrincipalKind = 'agent' | 'user' | 'service';

/** A principal by kind and id. Ids compare byte for byte. */
export interface Party {
  readonly kind: PrincipalKind;
  readonly id: string;
}

/**
 * The author pair: one party, or one party on behalf of a user. `root` is the host itself.
 * A for U1, A for U2 and A alone are three authors.
 */
export interface Actor {
  readonly party: Party | 'root';
  readonly onBehalfOf?: Party;
}

export const root: Actor = { party: 'root' };

export function isRoot(actor: Actor): boolean {
  return actor.party === 'root';
}

export function sameParty(a: Party, b: Party): boolean {
  return a.kind === b.kind && a.id === b.id;
}

export function sameActor(a: Actor, b: Actor): boolean {
  if (a.party === 'root' || b.party === 'root') return a.party === b.party;
  if (!sameParty(a.party, b.party)) return false;
  if (a.onBehalfOf === undefined || b.onBehalfOf === undefined) return a.onBehalfOf === b.onBehalfOf;
  return sameParty(a.onBehalfOf, b.onBehalfOf);
}

/** The parties whose rules bind the actor: each of them must be allowed. */
export function partiesOf(actor: Actor): readonly Party[] {
  if (actor.party === 'root') return [];
  return actor.onBehalfOf === undefined ? [actor.party] : [actor.party, actor.onBehalfOf];
}

/** The actor in the words of the public surface. The host shows as the service `root`. */
export function principalOf(actor: Actor): Principal {
  const { party } = actor;
  if (party === 'root') return { serviceId: 'root' };
  const who =
    party.kind === 'agent'
      ? { agentId: party.id }
      : party.kind === 'user'
        ? { userId: party.id }
        : { serviceId: party.id };
  return actor.onBehalfOf === undefined ? who : { ...who, onBehalfOf: { userId: actor.onBehalfOf.id } };
}
