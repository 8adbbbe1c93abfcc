import type { Command, Outcome } from '../../src/domain/command';
import type { EntryResult, LogEntry, LogPosition } from '../../src/domain/frame';
import { root } from '../../src/domain/principal';
import type { AppliedEntry } from '../../src/state/state-store';
import { agentA, draft, emptyState, remember } from '../state/test-state';

/** The commands of the suites have numbers. The state accepts this one. */
export function command(n: number): Command {
  return remember(root, n, draft({ id: `memory-${n}` }));
}

/** A command that every state refuses: nobody has allowed the agent anything. */
export function refusedCommand(n: number): Command {
  return remember(agentA, n, draft({ id: `memory-${n}` }));
}

export function numberOf({ stamp }: Pick<Command, 'stamp'>): number {
  return stamp.at;
}

/** The number of the command that an outcome belongs to, or the code of the error. */
export function answerOf(outcome: Outcome): number | string {
  if (!outcome.ok) return outcome.error.code;
  return outcome.type === 'remember' ? Number(outcome.remembered[0]?.id.replace('memory-', '')) : outcome.type;
}

export function numbers(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, n) => first + n);
}

/** A store in memory that records the batches and entries that it has applied, and fails when a case wants it to. */
export class RecordedState {
  readonly #state = emptyState().state;
  readonly batches: (readonly Command[])[] = [];
  /** The digest after each entry, by index. */
  readonly digests: string[] = [];
  /** What became of each entry, in order. */
  readonly results: EntryResult['type'][] = [];
  /** Runs after an entry is applied, before its log knows. */
  onApplied: (() => void) | undefined;
  /** Runs before a batch or the commands of an entry are applied. May throw. */
  onBatch: ((batch: readonly Command[]) => void) | undefined;

  /** The numbers of the applied commands, in their order. */
  get numbers(): number[] {
    return this.batches.flat().map(numberOf);
  }

  /** The number of memories in the state, which differs from the length of `numbers` if a command was applied twice. */
  get memoryCount(): number {
    return this.#state.memoryCount();
  }

  get lastChangeSeq(): number {
    return this.#state.lastChangeSeq;
  }

  apply(batch: readonly Command[]): readonly Outcome[] {
    this.onBatch?.(batch);
    const { outcomes } = this.#state.apply(batch);
    this.batches.push(batch);
    return outcomes;
  }

  applyEntry(entry: LogEntry): AppliedEntry {
    if (entry.frame !== undefined) this.onBatch?.(entry.frame.commands);
    const applied = this.#state.applyEntry(entry);
    if (applied.result.type === 'applied' && entry.frame !== undefined) this.batches.push(entry.frame.commands);
    this.digests[entry.index] = applied.position.digest;
    this.results.push(applied.result.type);
    this.onApplied?.();
    return applied;
  }

  logPosition(): LogPosition {
    return this.#state.logPosition();
  }
}
