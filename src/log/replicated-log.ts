import type { Command, Outcome } from '../domain/command';

/** A log that puts commands into one order. The commands are then applied in that order. */
export interface ReplicatedLog {
  /**
   * Adds a command to the log. Resolves with its outcome when the effects of the command are durable, or when the command was
   * refused. Rejects only if nothing of the command was written, or with OUTCOME_UNKNOWN.
   *
   * @throws OVERLOADED, STORE_CLOSED, DISK_FULL, FILE_FAILED, OUTCOME_UNKNOWN
   */
  propose(command: Command): Promise<Outcome>;
  /** The number of commands that were accepted and not answered yet. */
  readonly pending: number;
  /** Rejects all later commands. Resolves when the accepted commands are answered. */
  close(): Promise<void>;
}
