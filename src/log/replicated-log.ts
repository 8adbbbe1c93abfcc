import type { Command, Outcome } from '../domain/command';

/** A log that puts commands in one order and lets them be applied in that order. */
export interface ReplicatedLog {
  /**
   * Resolves with the outcome once the effects of the command are durable, or the command was refused. Rejects only if nothing of it
   * was written.
   *
   * @throws OVERLOADED, STORE_CLOSED, DISK_FULL
   */
  propose(command: Command): Promise<Outcome>;
  /** The number of commands that were accepted and are not applied yet. */
  readonly pending: number;
  /** Rejects all later commands, and resolves when the accepted ones are applied. */
  close(): Promise<void>;
}
