import { messageOf } from '../../domain/realms';
import type { Logger } from '../../environment/environment';
import type { Schedule } from '../../environment/timers';
import type { Snapshot } from '../../raft/core/messages';
import type { RaftLink } from '../../raft/node/raft-link';

export interface SnapshotKeeperDeps {
  readonly link: Pick<RaftLink, 'logBytes' | 'status' | 'saveSnapshot' | 'purge'>;
  readonly schedule: Schedule;
  /** Milliseconds since a fixed moment. */
  elapsedMs(): number;
  readonly logger: Logger;
  /** Makes a snapshot of the state. */
  make(): Promise<Snapshot>;
  /** The index of the newest snapshot that is kept. */
  readonly last: number;
  /** Default: 256 MB. */
  readonly maxLogBytes?: number;
  readonly everyMs: number;
  /** Removes the snapshots before the newest one. */
  removeOlder(): void;
}

const maxCheckMs = 10_000;
const defaultLogBytes = 256 * 2 ** 20;

/**
 * Makes snapshots of the state of a node, and drops the entries of the log that they hold. It does so when the log is long, and at the
 * latest after `everyMs`, because the log holds the texts of memories that were forgotten meanwhile. So does the snapshot before the newest
 * one, so it goes after the same time even if nothing was written meanwhile.
 */
export class SnapshotKeeper {
  readonly #deps: SnapshotKeeperDeps;
  #last: number;
  #madeAt: number;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(deps: SnapshotKeeperDeps) {
    this.#deps = deps;
    this.#last = deps.last;
    this.#madeAt = deps.elapsedMs();
    this.#plan();
  }

  /** Resolves when no snapshot is being made any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#running;
  }

  #plan(): void {
    const { schedule, everyMs } = this.#deps;
    this.#cancel = schedule(Math.min(maxCheckMs, everyMs / 2), () => {
      this.#running = this.#check().finally(() => {
        this.#running = undefined;
        if (!this.#isClosed) this.#plan();
      });
    });
  }

  async #check(): Promise<void> {
    const { link, elapsedMs, maxLogBytes = defaultLogBytes, everyMs, logger, removeOlder } = this.#deps;
    const isLate = elapsedMs() - this.#madeAt >= everyMs;
    if (!isLate && link.logBytes < maxLogBytes) return;
    this.#madeAt = elapsedMs();
    try {
      if (link.status().applied > this.#last) await this.#make();
      else if (isLate) removeOlder();
      // A member that lacks these entries gets the snapshot.
      if (!this.#isClosed && this.#last > 0) await link.purge(this.#last);
    } catch (error) {
      if (!this.#isClosed)
        logger.warn('The node could not make a snapshot. It tries again later.', { error: messageOf(error) });
    }
  }

  async #make(): Promise<void> {
    const snapshot = await this.#deps.make();
    if (this.#isClosed) return;
    await this.#deps.link.saveSnapshot(snapshot);
    this.#last = snapshot.index;
  }
}
