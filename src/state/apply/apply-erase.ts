import type { ChangeOf, Stamp } from '../../domain/command';
import { defined } from '../../domain/defined';
import type { ErasureState, ErasureSubject, StoredErasure } from '../../domain/erasure';
import { invalidInput, MemoryError } from '../../domain/errors';
import { isRoot } from '../../domain/principal';
import type { MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { repaired } from './apply-forget';
import { endConsolidation, isConsolidated, mayBeFact } from './end-consolidation';
import { eraseNames } from './erase-names';
import { eraseRecord, eraseTombstone } from './erase-record';

/** The ids of the memories that a command has erased. */
export interface ErasedMemories {
  readonly erased: readonly string[];
  /** Those of them that a legal hold keeps until it ends. */
  readonly withheld: readonly string[];
}

/**
 * Erases memories, and the facts that quote them. Ids that do not exist are skipped. What was forgotten or erased before loses what it still
 * has. Neither `pinned` nor a rule protects a memory.
 *
 * @throws RECORD_DAMAGED if a legal hold may concern a damaged memory
 */
export function applyErase(context: ApplyContext, command: ChangeOf<'erase'>, stamp: Stamp): ErasedMemories {
  assertHost(stamp);
  const erasure = erasureOf(context, command, stamp);
  const found = [...new Set(command.ids)].flatMap((id) => eraseTarget(context, id, stamp) ?? []);
  const [erased, withheld]: [string[], string[]] = [[], []];
  const rows = found.map(({ row }) => row);
  const count = (record: MemoryRow, isWithheld: boolean) => {
    erased.push(record.id);
    rows.push(record.row);
    // What was forgotten before has no new change, and the audit names it all the same.
    context.touch(record.id, context.interning.labelSet(record.label_set).namespace);
    if (!isWithheld) return;
    withheld.push(record.id);
    context.erasures.await(erasure.id, record.row);
  };
  const erase = (record: MemoryRow) => count(record, eraseRecord(context, record, stamp));
  const live = found.filter(({ state }) => state !== 'forgotten');
  const start = { changed: live.filter(isConsolidated), facts: live.filter(mayBeFact) };
  if (start.changed.length + start.facts.length > 0)
    endConsolidation(context, start, stamp, new Set(live.map(({ row }) => row)), erase);
  for (const record of live) erase(record);
  for (const record of found) {
    if (record.state !== 'forgotten') continue;
    const { isChanged, isWithheld } = eraseTombstone(context, record, stamp);
    if (isChanged || isWithheld) count(record, isWithheld);
  }
  context.writer.deleteFormerSubjects(rows);
  context.writer.deleteIdempotency([...command.ids, ...erased]);
  context.erasures.put({ ...erasure, erased: erasure.erased + erased.length });
  return { erased, withheld };
}

/** The result of `applyFinishErasure`. */
export interface FinishedErasure {
  readonly state: ErasureState;
  /** See `ErasedNames`. */
  readonly inUse: number;
}

/**
 * Ends an erasure: removes the names of its subject from everything that is no memory. It may be ended again, after more was erased.
 *
 * @throws NOT_FOUND if nothing was erased under this id
 */
export function applyFinishErasure(context: ApplyContext, id: string, stamp: Stamp): FinishedErasure {
  assertHost(stamp);
  const found = context.erasures.byId(id);
  if (found === undefined) {
    const message = `Erasure ${JSON.stringify(id)} was not found. An erasure begins with the command that erases memories.`;
    throw new MemoryError('NOT_FOUND', message);
  }
  return completed(context, { ...found, finished: context.lastChangeSeq() }, stamp);
}

/** Completes the erasures that wait for the end of a hold, as far as no other hold needs something. */
export function completeErasures(context: ApplyContext, stamp: Stamp): void {
  for (const each of context.erasures.all()) if (each.namesWait) completed(context, each, stamp);
}

function completed(context: ApplyContext, erasure: StoredErasure, { at }: Stamp): FinishedErasure {
  const { id, subject } = erasure;
  const names = subject === undefined ? { wait: false, inUse: 0 } : eraseNames(context, subject, id, at);
  const kept = { ...erasure, namesWait: names.wait };
  context.erasures.put(kept);
  return { state: context.erasures.stateOf(kept), inUse: names.inUse };
}

/** Keeps the receipt of an erasure, in the place of an earlier one. An erasure that has erased nothing has one, too. */
export function applyKeepReceipt(context: ApplyContext, command: ChangeOf<'keep-receipt'>, stamp: Stamp): void {
  assertHost(stamp);
  context.receipts.put(command.erasure, command.receipt);
}

/** @throws INVALID_INPUT if the id belongs to an erasure of another subject */
function erasureOf({ erasures }: ApplyContext, command: ChangeOf<'erase'>, { at }: Stamp): StoredErasure {
  const { erasure: id, subject, reason } = command;
  const known = erasures.byId(id);
  if (known === undefined) return { id, at, erased: 0, namesWait: false, ...defined({ subject, reason }) };
  if (isSameSubject(known.subject, subject)) return known;
  const message = `expected a new id, got ${id}, which another erasure has. Ids must never repeat.`;
  throw invalidInput([{ path: ['erasure'], message }], 'erase');
}

function isSameSubject(a: ErasureSubject | undefined, b: ErasureSubject | undefined): boolean {
  return a?.kind === b?.kind && a?.hash === b?.hash;
}

function eraseTarget(context: ApplyContext, id: string, stamp: Stamp): MemoryRow | undefined {
  const record = context.records.uncheckedOrTombstone(id);
  return record === undefined || context.rowChecksum.isIntact(record) ? record : repaired(context, record, stamp);
}

function assertHost({ by }: Stamp): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Only the host may erase memories.');
}
