import type { Command, Outcome } from '../domain/command';

/** Puts commands in one order and has them applied in it. */
export interface ReplicatedLog {
  /** Resolves once the command's effect is durable, or it was refused. Rejects only where nothing of it was written. */
  propose(command: Command): Promise<Outcome>;
  /** Commands that were accepted and not yet applied. */
  readonly pending: number;
  /** Ends what was accepted; nothing can be proposed after it. */
  close(): Promise<void>;
}
