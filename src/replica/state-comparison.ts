import { MemoryError } from '../domain/errors';
import type { LogPosition } from '../domain/frame';

/** What one node says about its state at a position. The digest is undefined if the node does not remember that position. */
export interface DigestAnswer {
  readonly applied: number;
  readonly digest: string | undefined;
}

/** How the states of the members compare at one position of the log. */
export interface StateComparison {
  /** The index of the entry after which the states were compared. */
  readonly index: number;
  /** The digest of each member, by its id. Undefined for a member that did not answer. */
  readonly digests: ReadonlyMap<number, string | undefined>;
}

// At 5,000 writes a second in frames of a few commands, this is some seconds. A node that lags more is asked at its own position.
const remembered = 4_096;

/** The digests of the state at its latest positions. */
export class RecentDigests {
  readonly #digests = new Map<number, string>();
  #applied: number;

  constructor({ index, digest }: LogPosition) {
    this.#applied = index;
    this.#digests.set(index, digest);
  }

  applied({ index, digest }: LogPosition): void {
    // After a snapshot the positions before it are too old to be asked for, and nothing would remove them one by one.
    if (index > this.#applied + 1) this.#digests.clear();
    this.#applied = index;
    this.#digests.set(index, digest);
    this.#digests.delete(index - remembered);
  }

  /** @param index Default: the latest position. */
  at(index = this.#applied): DigestAnswer {
    return { applied: this.#applied, digest: this.#digests.get(index) };
  }
}

/** Asks another member for its digest. */
type Ask = (member: number, index: number | undefined) => Promise<DigestAnswer>;

/**
 * Compares the states of all members that answer, at the latest position that all of these have applied. Writes go on meanwhile.
 */
export async function compareStates(members: readonly number[], ask: Ask): Promise<StateComparison> {
  const asked = (index: number | undefined) =>
    Promise.all(members.map((member) => ask(member, index).catch(() => undefined)));
  const positions = (await asked(undefined)).flatMap((answer) => answer?.applied ?? []);
  // Without a position each would be asked for its latest one, and these differ without a fault.
  if (positions.length === 0) throw new MemoryError('NO_QUORUM', 'No member of the cluster has answered. Try again.');
  const index = Math.min(...positions);
  const answers = await asked(index);
  return { index, digests: new Map(members.map((member, at) => [member, answers[at]?.digest])) };
}

/** The members whose state differs from that of most members that have answered. Empty if all agree, or if no state is more frequent. */
export function divergedMembers({ digests }: StateComparison): readonly number[] {
  const counts = new Map<string, number>();
  for (const digest of digests.values()) if (digest !== undefined) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  const known = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const [usual] = [...counts].find(([, count]) => count * 2 > known) ?? [];
  if (usual === undefined) return [];
  return [...digests].filter(([, digest]) => digest !== undefined && digest !== usual).map(([member]) => member);
}
