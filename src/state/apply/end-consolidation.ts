import type { Stamp } from '../../domain/command';
import type { MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { forgetRecord } from './forget-record';
import { revise } from './revise';

/** The facts that no longer say what their sources say, and the sources that ordinary reads return again in their place. */
export interface EndedConsolidation {
  readonly facts: MemoryRow[];
  readonly sources: MemoryRow[];
}

/** The memories with which the search for facts begins. */
export interface ConsolidationStart {
  /** Memories that change. All facts that quote one of them end. */
  readonly changed?: readonly Pick<MemoryRow, 'row'>[];
  /** Facts that end themselves. */
  readonly facts?: readonly Pick<MemoryRow, 'row'>[];
}

/** Whether facts may have been made from a memory. */
export function isConsolidated({ state }: Pick<MemoryRow, 'state'>): boolean {
  return state === 'consolidated';
}

/** Whether a memory may have been made by a consolidation. Writers can name this channel, too: such a memory then has no sources. */
export function mayBeFact({ source_channel }: Pick<MemoryRow, 'source_channel'>): boolean {
  return source_channel === 'consolidation';
}

/**
 * Finds what ends when memories change: the facts that quote them, the facts that share a source with such a fact, and the facts that
 * were made from one of these. A source is 'consolidated' only while all facts that quote it are there, so that what it says is never lost
 * and never said by an outdated fact.
 */
export function findConsolidation(
  context: Pick<ApplyContext, 'derivations' | 'records'>,
  { changed = [], facts = [] }: ConsolidationStart,
) {
  const { derivations } = context;
  const ending = new Set<number>();
  const sources = new Set<number>();
  const open = facts.map(({ row }) => row);
  const openFactsOf = (source: number) => {
    for (const { row, kind } of derivations.bySource(source)) if (kind === 'consolidated') open.push(row);
  };
  for (const { row } of changed) openFactsOf(row);
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    if (ending.has(row)) continue;
    ending.add(row);
    openFactsOf(row);
    for (const { source, kind } of derivations.ofRow(row)) {
      if (kind === 'derived' || sources.has(source)) continue;
      sources.add(source);
      openFactsOf(source);
    }
  }
  const inOrder = (rows: Iterable<number>) =>
    [...rows].sort((a, b) => a - b).flatMap((row) => context.records.intactByRow(row) ?? []);
  for (const row of ending) sources.delete(row);
  return { facts: inOrder(ending), sources: inOrder(sources).filter(isConsolidated) };
}

/**
 * Ends consolidations: forgets the facts, and makes their sources active again. It leaves out the memories that the caller changes itself.
 *
 * @param end Ends a fact.
 */
export function endConsolidation(
  context: ApplyContext,
  start: ConsolidationStart,
  stamp: Stamp,
  changedByCaller: ReadonlySet<number> = new Set(),
  end: (fact: MemoryRow) => void = (fact) => forgetRecord(context, fact, stamp),
): EndedConsolidation {
  const found = findConsolidation(context, start);
  const by = context.interning.internActor(stamp.by);
  for (const { row } of start.changed ?? []) forgetOmission(context, row);
  const kept = ({ row }: MemoryRow) => !changedByCaller.has(row);
  const facts = found.facts.filter(kept);
  const replacements = new Map(found.facts.flatMap((fact) => replacementOf(context, fact)));
  for (const fact of facts) end(fact);
  const sources = found.sources
    .filter(kept)
    .map((source) =>
      revise(context, source, { columns: replacements.get(source.row) ?? { state: 'active' }, at: stamp.at, by }),
    );
  return { facts, sources };
}

/** Ends what depends on memories that are forgotten: facts never outlive their sources, and sources are read again in place of a forgotten fact. */
export function endConsolidationsOf(context: ApplyContext, found: readonly MemoryRow[], stamp: Stamp): void {
  const changed = found.filter(isConsolidated);
  const facts = found.filter(mayBeFact);
  if (changed.length === 0 && facts.length === 0) return;
  endConsolidation(context, { changed, facts }, stamp, new Set(found.map(({ row }) => row)));
}

/** If a newer memory has replaced a fact, it has replaced what the fact was made from, too. */
function replacementOf(context: ApplyContext, { row, state, superseded_by, valid_to }: MemoryRow) {
  if (state !== 'superseded') return [];
  const columns = { state: 'superseded' as const, superseded_by, valid_to };
  return context.derivations.ofRow(row).map(({ source }) => [source, columns] as const);
}

/** Ends the connection between a source that no fact quotes and the fact that stands for its group. */
function forgetOmission({ derivations }: ApplyContext, source: number): void {
  for (const line of derivations.bySource(source)) if (line.kind === 'omitted') derivations.delete(line);
}
