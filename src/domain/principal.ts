/**
 * Identifies a caller: one agent, one user or one service. With `onBehalfOf` it acts for a user. The host program states who the caller
 * is. The store has no list of principals and does not verify identities.
 */
export type Principal = ({ agentId: string } | { userId: string } | { serviceId: string }) & {
  onBehalfOf?: { userId: string };
};

export type PrincipalKind = 'agent' | 'user' | 'service';

/** One agent, user or service, without `onBehalfOf`. Its id is in Unicode's normal form NFC. */
export interface Party {
  readonly kind: PrincipalKind;
  readonly id: string;
}

/**
 * The caller in the form that the store records: one party, or one party that acts on behalf of a user. `root` is the host program.
 * Agent A on behalf of user 1, agent A on behalf of user 2, and agent A for itself are three different actors.
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

/** Returns the parties whose rules apply to the actor. An action is allowed only if the rules allow it to each of them. */
export function partiesOf(actor: Actor): readonly Party[] {
  if (actor.party === 'root') return [];
  return actor.onBehalfOf === undefined ? [actor.party] : [actor.party, actor.onBehalfOf];
}

/** Converts an actor to its public form. The host program becomes the service `root`. */
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
