import type { Command, Outcome } from '../domain/command';

/** A log that puts commands into one order. The commands are then applied in that order. */
export interface ReplicatedLog {
  /**
   * Adds a command to the log. Resolves with its outcome when the effects of the command are durable, or when the command was
   * refused. Rejects only if nothing of the command was written.
   *
   * @throws OVERLOADED, STORE_CLOSED, DISK_FULL
   */
  propose(command: Command): Promise<Outcome>;
  /** The number of commands that were accepted but not yet applied. */
  readonly pending: number;
  /** Rejects all later commands. Resolves when the accepted commands are applied. */
  close(): Promise<void>;
}
