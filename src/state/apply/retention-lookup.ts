import type { Policy } from '../../access/policy';
import type { MemoryKind } from '../../domain/memory';
import { contains } from '../../domain/namespace';
import type { ReadonlyInterning } from '../tables/interning';
import type { MemoryRow } from '../tables/memory-row';

const dayMs = 24 * 60 * 60 * 1000;
const maxKept = 100_000;

/** What decides how long a memory is kept. */
export type RetentionColumns = Pick<MemoryRow, 'label_set' | 'kind' | 'created_at' | 'pinned'>;

/** A limit that applies to the memories of a label set. */
interface AgeLimit {
  /** The id of the declaration. */
  readonly id: string;
  readonly kind: MemoryKind | undefined;
  readonly maxAgeMs: number;
}

/** How many memories of some label sets are kept. */
export interface NumberLimit {
  readonly maxMemories: number;
  readonly kind: MemoryKind | undefined;
  readonly isWithin: (labelSet: number) => boolean;
}

/** The end of the time for which a memory is kept. */
export interface RetentionEnd {
  /** The id of the retention that ends it first. */
  readonly id: string;
  /** Epoch milliseconds. From then on nobody finds the memory. */
  readonly at: number;
}

/**
 * Says how long memories are kept, by the retentions in force. It keeps which of them apply to each label set while the rules stay the
 * same, because a change of one retention asks for the end of every memory.
 */
export class RetentionLookup {
  readonly #interning: Pick<ReadonlyInterning, 'labelSet'>;
  readonly #policy: () => Policy;
  #known: Policy['retentions'] | undefined;
  readonly #ofLabelSets = new Map<number, readonly AgeLimit[]>();

  constructor(interning: Pick<ReadonlyInterning, 'labelSet'>, policy: () => Policy) {
    this.#interning = interning;
    this.#policy = policy;
  }

  /** Whether no retention is in force. */
  get isEmpty(): boolean {
    return this.#policy().retentions.length === 0;
  }

  /** Undefined if the memory is kept without a limit. */
  endOf({ label_set, kind, created_at, pinned }: RetentionColumns): RetentionEnd | undefined {
    if (pinned !== null || this.isEmpty) return undefined;
    let first: RetentionEnd | undefined;
    for (const limit of this.#limitsOf(label_set)) {
      if (limit.kind !== undefined && limit.kind !== kind) continue;
      const at = created_at + limit.maxAgeMs;
      if (first === undefined || at < first.at) first = { id: limit.id, at };
    }
    return first;
  }

  /** When the time of a memory ends that is not pinned, without making an object for each of many. Infinity if it is kept without a limit. */
  endAt(labelSet: number, kind: MemoryKind | undefined, createdAt: number): number {
    let first = Number.POSITIVE_INFINITY;
    for (const limit of this.#limitsOf(labelSet)) {
      if (limit.kind === undefined || limit.kind === kind) first = Math.min(first, createdAt + limit.maxAgeMs);
    }
    return first;
  }

  /** Whether the time of a memory is over. */
  isOver(columns: RetentionColumns, at: number): boolean {
    const end = this.endOf(columns);
    return end !== undefined && end.at <= at;
  }

  /** A retention that forgets the oldest memories beyond a number. Undefined if none that is in force has this id. */
  numberLimit(id: string): NumberLimit | undefined {
    const found = this.#policy().retentions.find((each) => each.id === id);
    if (found === undefined) return undefined;
    const { retain, at, kind, maxMemories } = found.declaration;
    if (retain !== 'forget' || maxMemories === undefined) return undefined;
    const isWithin = (labelSet: number) => contains(at, this.#interning.labelSet(labelSet).namespace);
    return { maxMemories, kind, isWithin };
  }

  /** Forgets everything. Needed after a rollback, because numbers may stand for something else. */
  clear(): void {
    this.#ofLabelSets.clear();
  }

  #limitsOf(labelSet: number): readonly AgeLimit[] {
    const { retentions } = this.#policy();
    if (retentions !== this.#known || this.#ofLabelSets.size >= maxKept) this.clear();
    this.#known = retentions;
    const known = this.#ofLabelSets.get(labelSet);
    if (known !== undefined) return known;
    const { namespace } = this.#interning.labelSet(labelSet);
    const limits = retentions.flatMap(({ id, declaration: { retain, at, kind, maxAgeDays } }) =>
      retain === 'forget' && maxAgeDays !== undefined && contains(at, namespace)
        ? [{ id, kind, maxAgeMs: maxAgeDays * dayMs }]
        : [],
    );
    this.#ofLabelSets.set(labelSet, limits);
    return limits;
  }
}
