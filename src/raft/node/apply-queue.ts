import type { ClusterMembership } from '../../domain/cluster-membership';
import type { Entry } from '../core/entry';
import type { Message, Snapshot } from '../core/messages';
import type { StorageApply } from '../core/ready';
import type { HostTiming } from './host-timing';
import type { CommittedEntry, RaftUser } from './raft-link';

export interface ApplyQueueDeps {
  readonly user: Pick<RaftUser, 'apply' | 'install'>;
  readonly timing: HostTiming;
  /** The index of the last entry that the state holds. */
  readonly applied: number;
  /** Applies a change of the members in the core. */
  changed(entry: Entry): ClusterMembership;
  /** A snapshot has replaced the state. */
  installed(membership: ClusterMembership): void;
  /** An entry was applied. */
  onApplied(entry: Entry): void;
  /** Delivers responses whose entries are applied. */
  respond(responses: readonly Message[]): void;
  /** An entry or a snapshot could not be applied: the node must end. */
  fail(error: unknown): void;
}

// Entries are applied for so long before input, output and timers get their turn, so that heartbeats leave in time.
const maxMsPerTurn = 10;

/** Hands committed entries to the state machine, one after the other, and installs snapshots in between. */
export class ApplyQueue {
  readonly #deps: ApplyQueueDeps;
  #works: StorageApply[] = [];
  #applied: number;
  #isRunning = false;
  #isEnded = false;
  /** The entry or the snapshot that the user is working on, if that takes more than a call. Never rejects. */
  #busy: Promise<void> | undefined;

  constructor(deps: ApplyQueueDeps) {
    this.#deps = deps;
    this.#applied = deps.applied;
  }

  /** The index of the last entry that the state holds. */
  get applied(): number {
    return this.#applied;
  }

  add(work: StorageApply): void {
    this.#works.push(work);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#applyAll().catch((error: unknown) => {
      if (!this.#isEnded) this.#deps.fail(error);
    });
  }

  /** Replaces the state by a snapshot, when the entry that is being applied is done. */
  async install(snapshot: Snapshot): Promise<void> {
    while (this.#busy !== undefined) await this.#busy;
    if (this.#isEnded || snapshot.index <= this.#applied) return;
    await this.#hold(async () => {
      const membership = await this.#deps.user.install(snapshot);
      this.#applied = Math.max(this.#applied, snapshot.index);
      if (!this.#isEnded) this.#deps.installed(membership);
    });
  }

  /** Applies nothing any more. Resolves when the user is done with what it is doing. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#works = [];
    while (this.#busy !== undefined) await this.#busy;
  }

  async #applyAll(): Promise<void> {
    const { timing, respond } = this.#deps;
    let begun = timing.elapsedMs();
    for (let work = this.#works.shift(); work !== undefined; work = this.#works.shift()) {
      for (const entry of work.entries) {
        while (this.#busy !== undefined) await this.#busy;
        if (this.#isEnded) return;
        const applying = this.#apply(entry);
        if (applying !== undefined) await applying;
        if (timing.elapsedMs() - begun < maxMsPerTurn) continue;
        await timing.nextTurn();
        begun = timing.elapsedMs();
      }
      if (this.#isEnded) return;
      respond(work.responses);
    }
    // Not in a later step of the promise: a work that comes in between would be left alone.
    this.#isRunning = false;
  }

  /** Undefined if the entry is applied. */
  #apply(entry: Entry): Promise<void> | undefined {
    // A snapshot that was installed meanwhile holds it already.
    if (entry.index <= this.#applied) return undefined;
    const membership = entry.kind === 'configuration' ? this.#deps.changed(entry) : undefined;
    const applying = this.#deps.user.apply(committed(entry, membership));
    if (applying === undefined) {
      this.#done(entry);
      return undefined;
    }
    return this.#hold(async () => {
      await applying;
      this.#done(entry);
    });
  }

  #done(entry: Entry): void {
    this.#applied = entry.index;
    if (!this.#isEnded) this.#deps.onApplied(entry);
  }

  /** Runs something during which nothing else is applied. */
  #hold(run: () => Promise<void>): Promise<void> {
    const running = run();
    const busy = running
      .catch(() => undefined)
      .then(() => {
        if (this.#busy === busy) this.#busy = undefined;
      });
    this.#busy = busy;
    return running;
  }
}

function committed(entry: Entry, membership: ClusterMembership | undefined): CommittedEntry {
  const { index, term } = entry;
  const data = entry.kind === 'normal' && entry.data.length > 0 ? entry.data : undefined;
  return { index, term, data, membership };
}
