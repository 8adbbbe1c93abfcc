/**
 * Who calls: one agent, one user or one service, with `onBehalfOf` for a user. The host program states it; the store keeps no list
 * of principals and verifies no identity.
 */
export type Principal = ({ agentId: string } | { userId: string } | { serviceId: string }) & {
  onBehalfOf?: { userId: string };
};

export type PrincipalKind = 'agent' | 'user' | 'service';

/** One principal alone, by kind and id. Ids are compared byte for byte. */
export interface Party {
  readonly kind: PrincipalKind;
  readonly id: string;
}

/**
 * The caller as the store records it: one party, or one party on behalf of a user. `root` is the host program itself.
 * Agent A for user 1, agent A for user 2 and agent A alone are three different actors.
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

/** The parties whose rules bind the actor. An action is allowed only if it is allowed to each of them. */
export function partiesOf(actor: Actor): readonly Party[] {
  if (actor.party === 'root') return [];
  return actor.onBehalfOf === undefined ? [actor.party] : [actor.party, actor.onBehalfOf];
}

/** The actor in its public form. The host program appears as the service `root`. */
export function principalOf(actor: Actor): Principal {
  const { party } = actor;
  if (party === 'root') return { serviceId: 'root' };
  const principal =
    party.kind === 'agent'
      ? { agentId: party.id }
      : party.kind === 'user'
        ? { userId: party.id }
        : { serviceId: party.id };
  return actor.onBehalfOf === undefined ? principal : { ...principal, onBehalfOf: { userId: actor.onBehalfOf.id } };
}
