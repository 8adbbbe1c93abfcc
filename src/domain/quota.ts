import { type Actor, type Principal, sameParty } from './principal';

/** What a quota bounds. */
export type QuotaKind = 'memories' | 'bytes' | 'namespaces' | 'tags' | 'watches';

/** The most that one principal may use at a time. An absent field means that there is no limit. */
export interface Quota {
  /** The number of memories that the principal has written and nobody has forgotten. */
  memories?: number;
  /**
   * The bytes of the texts and the metadata that the principal has written: of every memory, and of every revision of a memory, until it
   * is forgotten. Texts are counted as they are stored, in UTF-8.
   */
  bytes?: number;
  /** The number of namespaces that contain memories of the principal. */
  namespaces?: number;
  /** The number of different tags on memories of the principal. */
  tags?: number;
  /** The number of watches that run at the same time in one process that opens the folder. */
  watches?: number;
}

/**
 * The quotas of a store. They apply to every principal but not to the host. An agent that acts on behalf of a user is a principal of its
 * own for each user.
 *
 * A write is checked against the quota of its writer only. If another principal adds tags to a memory or moves it, its author may have more
 * `tags` and `namespaces` than its quota allows. Then the author's next write that needs more of them is refused.
 */
export interface Quotas extends Quota {
  /**
   * Other quotas for some principals, in place of the general ones. `{ principal: { agentId: 'importer' } }` has no limit at all. An entry
   * without `onBehalfOf` also applies to the principal on behalf of each user, unless another entry names that user.
   */
  principals?: readonly (Quota & { principal: Principal })[];
}

/** How much of a quota a principal uses. */
export interface QuotaUse {
  readonly used: number;
  readonly limit: number;
}

/** Quotas after parsing. They are plain data, because each command of a principal carries them to `apply`. */
export interface ParsedQuotas {
  readonly general: Quota;
  readonly others: readonly { readonly actor: Actor; readonly quota: Quota }[];
}

/** Returns the quota of an actor. The host has none. */
export function quotaOf({ general, others }: ParsedQuotas, actor: Actor): Quota {
  const { party } = actor;
  if (party === 'root') return {};
  const ofParty = others.filter(({ actor: { party: named } }) => named !== 'root' && sameParty(named, party));
  const ofUser = ofParty.find((each) => each.actor.onBehalfOf?.id === actor.onBehalfOf?.id);
  const ofAnyUser = ofParty.find((each) => each.actor.onBehalfOf === undefined);
  return (ofUser ?? ofAnyUser)?.quota ?? general;
}
