import type { Stamp } from '../../domain/command';
import type { MemoryRow } from '../tables/memory-row';
import { type ApplyContext, removeVectors, stampChange } from './apply-context';
import { withholdHeld } from './apply-hold';

/** Counts a memory as forgotten. The counts of a damaged record are unknown, so everything is then counted again. */
function countForgotten(context: ApplyContext, record: MemoryRow): void {
  const [usage, stored] = [context.usage(), context.storedCounts()];
  if (stored !== undefined) {
    if (context.rowChecksum.isIntact(record)) stored.changed(record, undefined);
    else context.discardStoredCounts();
  }
  if (usage === undefined) return;
  const revisions = context.rowChecksum.isIntact(record) ? context.revisionBytes(record) : undefined;
  if (revisions === undefined) context.discardUsage();
  else usage.forgotten(record, revisions);
}

/**
 * Replaces a memory by its tombstone. If a legal hold concerns it, its revisions are kept where only the host can read them.
 *
 * @param bare Columns in which the tombstone differs from the memory.
 * @returns true if a hold keeps the revisions
 */
export function forgetRecord(
  context: ApplyContext,
  record: MemoryRow,
  { at, by }: Stamp,
  bare: Partial<MemoryRow> = {},
): boolean {
  const { writer } = context;
  const isWithheld = withholdHeld(context, record);
  const tokensBefore = context.analyze(record.text);
  if (context.rowChecksum.isIntact(record)) {
    context.words.delete(record.row, tokensBefore);
    writer.deleteTags(record.row, JSON.parse(record.tags));
  }
  countForgotten(context, record);
  removeVectors(context, record);
  context.derivations.sourceForgotten(record.row);
  const tombstone = {
    ...record,
    state: 'forgotten' as const,
    // What was made from a quarantined memory stays untrusted.
    trust: record.state === 'quarantined' ? 0 : record.trust,
    text: '',
    metadata: '{}',
    key: null,
    source_ref: null,
    space: null,
    chunks: 0,
    length: 0,
    revision: record.revision + 1,
    updated_at: at,
    ...bare,
  };
  const actor = context.interning.internActor(by);
  const change = { type: 'forgotten' as const, at, by: actor, tokensBefore, reindex: true };
  writer.replaceByTombstone(stampChange(context, tombstone, change));
  return isWithheld;
}
