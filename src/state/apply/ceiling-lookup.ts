import { defaultCeiling, defaultChannelCeiling, type Policy } from '../../access/policy';
import type { SourceChannel } from '../../domain/memory';
import { isRoot, root } from '../../domain/principal';
import type { TrustLevel } from '../../domain/trust';
import type { ReadonlyInterning } from '../tables/interning';

const maxKept = 100_000;

/**
 * Looks up ceilings by the numbers of actors and label sets. It keeps what it has found while the rules stay the same, because a change of
 * one ceiling asks for those of every memory. In a store without ceilings it looks at no namespace.
 */
export class CeilingLookup {
  readonly #interning: Pick<ReadonlyInterning, 'actor' | 'labelSet'>;
  readonly #policy: () => Policy;
  #known: Policy | undefined;
  readonly #ofActors = new Map<number, Map<number, TrustLevel>>();
  readonly #ofChannels = new Map<string, Map<number, TrustLevel>>();
  #kept = 0;

  constructor(interning: Pick<ReadonlyInterning, 'actor' | 'labelSet'>, policy: () => Policy) {
    this.#interning = interning;
    this.#policy = policy;
  }

  /** The ceiling of an actor in the namespace of a label set. */
  ofActor(actor: number, labelSet: number): TrustLevel {
    const policy = this.#currentPolicy();
    const who = this.#interning.actor(actor);
    if (policy.ceilingsText === '') return isRoot(who) ? policy.ceilingOf(root, []) : defaultCeiling;
    return this.#keep(this.#ofActors, actor, labelSet, () =>
      policy.ceilingOf(who, this.#interning.labelSet(labelSet).namespace),
    );
  }

  /** The ceiling of a channel in the namespace of a label set. */
  ofChannel(channel: string, labelSet: number): TrustLevel {
    const policy = this.#currentPolicy();
    if (policy.ceilingsText === '') return defaultChannelCeiling(channel as SourceChannel);
    return this.#keep(this.#ofChannels, channel, labelSet, () =>
      policy.channelCeiling(channel as SourceChannel, this.#interning.labelSet(labelSet).namespace),
    );
  }

  /** Forgets everything. Needed after a rollback, because numbers may stand for something else. */
  clear(): void {
    this.#ofActors.clear();
    this.#ofChannels.clear();
    this.#kept = 0;
  }

  #currentPolicy(): Policy {
    const policy = this.#policy();
    if (policy !== this.#known) this.clear();
    this.#known = policy;
    return policy;
  }

  #keep<K>(kept: Map<K, Map<number, TrustLevel>>, key: K, labelSet: number, find: () => TrustLevel): TrustLevel {
    const ofKey = kept.get(key) ?? new Map<number, TrustLevel>();
    const known = ofKey.get(labelSet);
    if (known !== undefined) return known;
    if (this.#kept >= maxKept) this.clear();
    const found = find();
    ofKey.set(labelSet, found);
    kept.set(key, ofKey);
    this.#kept++;
    return found;
  }
}
