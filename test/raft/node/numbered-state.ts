import type { ClusterMembership } from '../../../src/domain/cluster-membership';
import type { Outcome } from '../../../src/domain/command';
import type { EntryResult, LogEntry, LogPosition } from '../../../src/domain/frame';
import { configurationOf, noMembers } from '../../../src/raft/core/configuration';
import type { Snapshot } from '../../../src/raft/core/messages';
import { addressOf, type EntryTarget } from '../../log/raft-cluster';
import { numberOf } from '../../log/recorded-state';

interface Content {
  numbers: number[];
  sessions: Record<string, { start: number; lastFrame: number }>;
  position: LogPosition;
  membership: ClusterMembership | undefined;
}

/** The members of a cluster that is founded by these voters. */
export function foundingMembers(voters: readonly number[]): ClusterMembership {
  const addresses = Object.fromEntries(voters.map((id) => [id, addressOf(id)]));
  return { index: 1, configuration: configurationOf(voters), addresses };
}

/** A state that keeps only the numbers of the commands, and can be sent as a snapshot. */
export class NumberedState implements EntryTarget {
  #content: Content;
  installed = 0;
  /** Runs before an entry is applied. May throw. */
  onEntry: ((entry: LogEntry) => void) | undefined;

  /** @param founding The members of a cluster that is founded with this state, at the first place of its log. */
  constructor(founding?: ClusterMembership) {
    const place = founding === undefined ? 0 : 1;
    this.#content = {
      numbers: [],
      sessions: {},
      position: { index: place, term: place, digest: '' },
      membership: founding,
    };
  }

  get numbers(): readonly number[] {
    return this.#content.numbers;
  }

  logPosition(): LogPosition {
    return this.#content.position;
  }

  membership(): ClusterMembership | undefined {
    return this.#content.membership;
  }

  applyEntry(entry: LogEntry): { result: EntryResult } {
    this.onEntry?.(entry);
    const { index, term, membership } = entry;
    if (index !== this.#content.position.index + 1)
      throw new Error(`Got entry ${index} after entry ${this.#content.position.index}.`);
    if (membership !== undefined) this.#content.membership = membership;
    this.#content.position = { index, term, digest: '' };
    return { result: this.#applied(entry) };
  }

  /** This state at its position, as a node keeps and sends it. */
  snapshot(): Snapshot {
    const { position, membership } = this.#content;
    const { index, term } = position;
    const data = Buffer.from(JSON.stringify(this.#content));
    return { index, term, configuration: membership?.configuration ?? noMembers, data };
  }

  install({ data }: Snapshot): ClusterMembership {
    this.installed++;
    this.#content = JSON.parse(Buffer.from(data).toString()) as Content;
    return this.#content.membership as ClusterMembership;
  }

  #applied({ frame }: LogEntry): EntryResult {
    if (frame === undefined) return { type: 'empty' };
    const { sessions } = this.#content;
    const { node, start } = frame.incarnation;
    const known = sessions[node];
    if (known !== undefined && start < known.start) return { type: 'ended' };
    const last = known?.start === start ? known.lastFrame : 0;
    if (frame.number <= last) return { type: 'repeated' };
    if (frame.number > last + 1) return { type: 'gap', expected: last + 1 };
    sessions[node] = { start, lastFrame: frame.number };
    const outcomes = frame.commands.map((command): Outcome => {
      this.#content.numbers.push(numberOf(command));
      return { ok: true, type: 'epoch' };
    });
    return { type: 'applied', outcomes };
  }
}
