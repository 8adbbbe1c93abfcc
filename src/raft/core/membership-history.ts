import { type Configuration, equalConfigurations, type Membership } from './configuration';
import { invariant } from './invariants';
import type { Snapshot } from './messages';

// Changes of the members are rare, and a snapshot is compared with recent ones.
const maxMemberships = 64;

/**
 * Which configuration holds from which index on.
 *
 * A configuration takes effect when its entry is applied, not when it is appended. Both are safe; this is etcd's choice, whose
 * transcripts the core replays. An entry that is appended may be taken back, and the configuration with it; one that is applied is
 * committed and stays. Three rules make it safe: a leader proposes a change only after it has applied the one before; a node with a
 * committed change that it has not applied starts no election; and consecutive configurations have overlapping majorities.
 *
 * The price is liveness: a node that holds a change without knowing that it is committed still asks the members from before. So voters
 * tell in their answers what is committed; only if all who know it are gone for good, those who stay cannot go on.
 *
 * What remains dangerous is a configuration that is stored under the wrong index: a node that starts from it, or gets it in a
 * snapshot, asks other nodes for their votes than everybody else. So a snapshot is compared with the history before it is sent, and
 * a restart compares the membership with the log.
 */
export class MembershipHistory {
  #memberships: Membership[];

  constructor(membership: Membership) {
    this.#memberships = [membership];
  }

  get latest(): Membership {
    return this.#memberships.at(-1)!;
  }

  /** The configuration that holds at an index, or undefined if that is too long ago. */
  at(index: number): Configuration | undefined {
    return this.#memberships.findLast((membership) => membership.index <= index)?.configuration;
  }

  /**
   * Adds the configuration that holds from an index on. With asynchronous storage a change may still be applied while a snapshot that
   * is newer waits to be installed: it then takes its place before the snapshot, whose configuration stays in effect.
   */
  add(index: number, configuration: Configuration): void {
    const place = this.#memberships.findLastIndex((membership) => membership.index <= index);
    invariant(this.#memberships[place]?.index !== index, 'MEMBERSHIP_STALE', () => {
      return `The change at ${index} is applied twice.`;
    });
    this.#memberships.splice(place + 1, 0, { index, configuration });
    if (this.#memberships.length > maxMemberships) this.#memberships.shift();
  }

  /** Throws if the snapshot carries another configuration than the one that held at its index. */
  check({ index, configuration }: Snapshot): void {
    const expected = this.#memberships.findLast((membership) => membership.index <= index);
    invariant(
      expected === undefined || equalConfigurations(expected.configuration, configuration),
      'MEMBERSHIP_STALE',
      () =>
        `The snapshot at ${index} carries another configuration than the one that the entry ${expected?.index} made.`,
    );
  }
}
