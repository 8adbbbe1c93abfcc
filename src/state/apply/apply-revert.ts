import type { ChangeOf, ChunkVectors, Stamp } from '../../domain/command';
import type { RevertConflict, RevertResult } from '../../domain/incident';
import { type Restoration, revertPlan } from '../queries/revert-plan';
import type { MemoryRow } from '../tables/memory-row';
import { assertHost, endIfEmpty, heldLines, knownIncident } from './apply-containment';
import { type ApplyContext, assertSpace } from './apply-context';
import { revise } from './revise';

/** Undoes the changes of an incident where nobody else wrote since. The command brings the vectors of the texts that it restores. */
export function applyRevert(context: ApplyContext, command: ChangeOf<'revert'>, stamp: Stamp): RevertResult {
  assertHost(stamp);
  const incident = knownIncident(context, command.incident);
  const { restorations, conflicts } = revertPlan(context, incident);
  const embedded = new Map(command.texts.map((text) => [text.id, text]));
  for (const { vectors } of command.texts) assertSpace(context, vectors);
  const by = context.interning.internActor(stamp.by);
  const restored: { id: string; revision: number }[] = [];
  const changed: RevertConflict[] = [];
  for (const each of restorations) {
    const text = embedded.get(each.record.id);
    // The memory changed after the vectors were made.
    if (needsVectors(each) && text?.revision !== each.record.revision) {
      changed.push({ id: each.record.id, obstacle: 'changed since' });
      continue;
    }
    const { id, revision } = restore(context, incident.number, each, { vectors: text?.vectors, at: stamp.at, by });
    restored.push({ id, revision });
  }
  endIfEmpty(context, incident, stamp.at, undefined);
  return { restored, conflicts: [...conflicts, ...changed] };
}

/** Checks whether a restoration brings back a text that had vectors. */
export function needsVectors({ record, before }: Restoration): boolean {
  return record.text !== before.text && before.chunks > 0;
}

const restoredColumns = [
  ...(['label_set', 'owner', 'kind', 'user_id', 'session_id', 'key', 'priority', 'tags', 'metadata'] as const),
  ...(['source_channel', 'source_ref', 'valid_from', 'valid_to', 'expires_at', 'supersedes', 'superseded_by'] as const),
  ...(['trust', 'text'] as const),
] satisfies readonly (keyof MemoryRow)[];

function restore(
  context: ApplyContext,
  incident: number,
  { record, before, undone }: Restoration,
  { vectors, at, by }: { readonly vectors: ChunkVectors | undefined; readonly at: number; readonly by: number },
): MemoryRow {
  const { incidents, writer } = context;
  const isFormerSubject = record.user_id !== null && record.user_id !== before.user_id;
  if (isFormerSubject) writer.insertFormerSubject({ user_id: record.user_id as string, row: record.row });
  const state = before.state === 'quarantined' ? 'active' : (before.state as 'active' | 'superseded' | 'consolidated');
  for (const line of heldLines(context, record.row)) {
    if (line.incident === incident && line.reason === 'changed') incidents.letGo(line);
    else incidents.hold({ ...line, state });
  }
  const isHeld = heldLines(context, record.row).length > 0;
  const columns: Partial<MemoryRow> = { state: isHeld ? 'quarantined' : state };
  for (const column of restoredColumns) Object.assign(columns, { [column]: before[column] });
  const textChanged = record.text !== before.text;
  context.endorsements.deleteOfRow(record.row);
  const restored = revise(context, record, { columns, ...(textChanged ? { embedded: vectors ?? null } : {}), at, by });
  dropContributors(context, before, undone);
  return restored;
}

/** The actors whose changes are gone do not bound the trust of a memory any more, unless they had changed it earlier too. */
function dropContributors({ contributors, changes }: ApplyContext, before: MemoryRow, undone: readonly number[]): void {
  const earlier = changes.ofRecord(before).filter(({ revision }) => revision <= before.revision);
  for (const actor of undone) if (!earlier.some(({ by }) => by === actor)) contributors.delete(before.row, actor);
}
