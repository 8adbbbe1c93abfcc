import type { DeclaredRetention } from '../access/policy';
import { contains } from '../domain/namespace';
import { nextTurn } from '../environment/timers';
import type { ReadModel } from '../state/read-model';
import type { RetainedRow } from '../state/retention-pass';
import { isFact } from '../state/source-eligibility';

/** A memory that a retention has reached. */
export interface DueMemory {
  readonly row: number;
  readonly id: string;
}

/** What retentions have reached, by the ids of the retentions. */
export type DueMemories = ReadonlyMap<string, readonly DueMemory[]>;

type PlanModel = Pick<ReadModel, 'columns' | 'policy' | 'endedRow' | 'retainedRows' | 'retainedRow' | 'interning'>;

const rowsPerTurn = 1_000;
const dayMs = 24 * 60 * 60 * 1000;

/** Whether reads do not enforce all limits of a retention, so that only the sweep knows what it has reached. */
export function isJudgedBySweep({ declaration: { retain, maxMemories } }: DeclaredRetention): boolean {
  return retain === 'consolidate' || maxMemories !== undefined;
}

/** Finds what retentions have reached. It looks at a thousand rows in each turn of the event loop. */
export async function dueMemories(model: PlanModel, now: number, signal?: AbortSignal): Promise<DueMemories> {
  const found = new Map<string, DueMemory[]>();
  const { columns, policy } = model;
  if (!columns.hasRetention) return found;
  let looked = 0;
  for (let row = 1; row <= columns.last; row++) {
    if (columns.isKept(row, now)) continue;
    if (++looked % rowsPerTurn === 0) await nextTurn();
    signal?.throwIfAborted();
    const ended = model.endedRow(row, now);
    if (ended !== undefined) put(found, ended.retention, { row, id: ended.id });
  }
  const judges = policy.retentions.filter(isJudgedBySweep).map((each) => new Judge(each, now));
  if (judges.length === 0) return found;
  for (let after = 0; after < columns.last; after += rowsPerTurn) {
    signal?.throwIfAborted();
    for (const row of model.retainedRows(after, after + rowsPerTurn)) {
      // Nobody finds it any more, so it does not count.
      if (row.pinned !== null || !columns.isKept(row.row, now)) continue;
      const { namespace } = model.interning.labelSet(row.label_set);
      for (const judge of judges) judge.look(row, namespace);
    }
    await nextTurn();
  }
  for (const judge of judges) {
    for (const row of judge.due()) {
      // It may have been forgotten since.
      const id = model.retainedRow(row)?.id;
      if (id !== undefined) put(found, judge.id, { row, id });
    }
  }
  return found;
}

function put(found: Map<string, DueMemory[]>, retention: string, due: DueMemory): void {
  const known = found.get(retention);
  if (known === undefined) found.set(retention, [due]);
  else known.push(due);
}

/** Decides what one retention has reached beyond what reads enforce. */
class Judge {
  readonly id: string;
  readonly #limits: DeclaredRetention['declaration'];
  readonly #now: number;
  readonly #old = new Set<number>();
  /** The rows that count, with the times at which they were stored. */
  readonly #counted: { readonly row: number; readonly at: number; readonly isFact: boolean }[] = [];

  constructor({ id, declaration }: DeclaredRetention, now: number) {
    this.id = id;
    this.#limits = declaration;
    this.#now = now;
  }

  look(row: RetainedRow, namespace: readonly string[]): void {
    const { retain, at, kind, maxAgeDays, maxMemories } = this.#limits;
    if (!contains(at, namespace) || (kind !== undefined && kind !== row.kind)) return;
    // What was consolidated or superseded is not consolidated again.
    if (retain === 'consolidate' && row.state !== 'active') return;
    const isOld = maxAgeDays !== undefined && row.created_at + maxAgeDays * dayMs <= this.#now;
    if (retain === 'consolidate' && isOld && !isFact(row)) this.#old.add(row.row);
    if (maxMemories !== undefined) this.#counted.push({ row: row.row, at: row.created_at, isFact: isFact(row) });
  }

  /** The rows of the memories, oldest first. */
  due(): number[] {
    const { retain, maxMemories } = this.#limits;
    if (maxMemories === undefined) return [...this.#old];
    this.#counted.sort((a, b) => a.at - b.at || a.row - b.row);
    const surplus = Math.max(0, this.#counted.length - maxMemories);
    const oldest = this.#counted.filter((each) => retain === 'forget' || !each.isFact).slice(0, surplus);
    return [...new Set([...this.#old, ...oldest.map(({ row }) => row)])];
  }
}
