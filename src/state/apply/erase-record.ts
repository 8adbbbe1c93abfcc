import type { Stamp } from '../../domain/command';
import { isSameRow, type MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { forgetRecord } from './forget-record';
import { untrusted } from './trust';

/**
 * Replaces a memory by a tombstone of which only the random id tells anything. If a legal hold concerns it, its revisions are kept where only
 * the host can read them.
 *
 * @returns true if a hold keeps it
 */
export function eraseRecord(context: ApplyContext, record: MemoryRow, stamp: Stamp): boolean {
  const bare = bareColumns(context, record, stamp, stamp.at);
  const isWithheld = forgetRecord(context, record, stamp, bare);
  deleteActors(context, record);
  context.endorsements.deleteOfRow(record.row);
  return isWithheld;
}

/** Takes everything but the random id from the tombstone of a memory that was forgotten before. */
export function eraseTombstone(
  context: ApplyContext,
  record: MemoryRow,
  stamp: Stamp,
): { readonly isChanged: boolean; readonly isWithheld: boolean } {
  const bare = { ...record, ...bareColumns(context, record, stamp, record.updated_at) };
  const isChanged = !isSameRow(bare, record) || !context.rowChecksum.isIntact(record);
  if (isChanged) context.writer.replaceByTombstone(context.rowChecksum.addChecksum(bare));
  deleteActors(context, record);
  context.endorsements.deleteOfRow(record.row);
  return { isChanged, isWithheld: context.holds.isWithheld(record.row) };
}

/**
 * The columns of an erased memory. Its label set and its owner stay, so that those who could read it learn that it is gone, and nobody else
 * does. Its trust is what it was, because it limits the trust of what was made from it.
 */
function bareColumns(context: ApplyContext, record: MemoryRow, { by }: Stamp, at: number) {
  const isIntact = context.rowChecksum.isIntact(record);
  const isDistrusted = record.state === 'quarantined' || !isIntact;
  return {
    author: context.interning.internActor(by),
    kind: 'episodic',
    user_id: null,
    session_id: null,
    key: null,
    priority: 0,
    tags: '[]',
    metadata: '{}',
    source_channel: 'agent',
    source_ref: null,
    created_at: at,
    valid_from: at,
    valid_to: null,
    expires_at: null,
    supersedes: null,
    superseded_by: null,
    trust: isDistrusted ? untrusted : context.trustOf(record),
    pinned: null,
  } satisfies Partial<MemoryRow>;
}

/** Deletes who changed or endorsed a memory. */
function deleteActors({ contributors, endorsements }: ApplyContext, { row }: MemoryRow): void {
  contributors.deleteOfRow(row);
  endorsements.deleteOfRow(row);
}
