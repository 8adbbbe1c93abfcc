import type { ChangeOf, Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import type { Incident } from '../../domain/incident';
import { isRoot } from '../../domain/principal';
import { incidentOf } from '../queries/incident-view';
import type { ContainedRow, IncidentRow } from '../tables/incidents';
import type { MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { revise } from './revise';

/** Quarantines the memories that a selection names and everything that depends on them, and keeps the state that each had. */
export function applyContain(context: ApplyContext, command: ChangeOf<'contain'>, stamp: Stamp): Incident {
  assertHost(stamp);
  const { incidents, containment, interning } = context;
  const { incident: id, selection, derived } = command;
  if (incidents.byId(id) !== undefined) {
    const message = `expected a new id, got ${id}, which another incident has. Call contain again.`;
    throw invalidInput([{ path: ['incident'], message }], 'contain');
  }
  const { authors, held, returned } = containment.contained(selection, derived);
  const number = incidents.all().length + 1;
  const { at } = stamp;
  const by = interning.internActor(stamp.by);
  const incident: IncidentRow = {
    number,
    id,
    at,
    authors: JSON.stringify(authors),
    since: selection.since ?? null,
    ended: held.length === 0 ? at : null,
    reason: null,
  };
  incidents.put(incident);
  for (const { record, reason } of held) {
    const state = earlierState(context, record);
    const isHeld = record.state === 'quarantined';
    context.endorsements.deleteOfRow(record.row);
    const { revision } = isHeld ? record : revise(context, record, { columns: { state: 'quarantined' }, at, by });
    incidents.hold({ incident: number, row: record.row, state, reason, revision });
  }
  for (const actor of authors) endEndorsements(context, actor, { since: selection.since ?? 0, at, by });
  for (const record of returned) {
    const { revision } = revise(context, record, { columns: { state: 'active' }, at, by });
    incidents.hold({ incident: number, row: record.row, state: 'consolidated', reason: 'returned', revision });
  }
  return incidentOf(context, incident);
}

/**
 * Gives contained memories the state again that they had before. A memory that another incident holds too stays in quarantine.
 *
 * @returns the ids of the memories that are out of quarantine
 */
export function applyRelease(
  context: ApplyContext,
  { incident, ids, reason }: ChangeOf<'release'>,
  stamp: Stamp,
): string[] {
  assertHost(stamp);
  const { incidents, interning } = context;
  const lines = incident === undefined ? linesOfIds(context, ids ?? []) : linesOf(context, incident);
  const by = interning.internActor(stamp.by);
  const released: MemoryRow[] = [];
  // Facts come before their sources, whose state depends on them.
  for (const line of [...lines].sort((a, b) => b.row - a.row)) {
    incidents.letGo(line);
    const record = context.records.intactByRow(line.row);
    if (record?.state !== 'quarantined' || heldLines(context, line.row).length > 0) continue;
    released.push(releaseRecord(context, record, line, { at: stamp.at, by }));
  }
  restoreSources(context, released, { at: stamp.at, by });
  const numbers = new Set(lines.map((line) => line.incident));
  for (const each of incidents.all()) if (numbers.has(each.number)) endIfEmpty(context, each, stamp.at, reason);
  return released.map(({ id }) => id).reverse();
}

/** Ends what a principal has endorsed since a time. The memories fall back to the trust that they had without it. */
function endEndorsements(
  context: ApplyContext,
  actor: number,
  { since, at, by }: { readonly since: number; readonly at: number; readonly by: number },
): void {
  for (const each of context.endorsements.byActor(actor)) {
    if (each.at < since) continue;
    context.endorsements.delete(each);
    for (const record of unforgottenFrom(context, each.row)) revise(context, record, { columns: {}, at, by });
  }
}

/** A memory or, if it was forgotten, what was made from it. Only a change tells readers of another trust, and a tombstone has none. */
function unforgottenFrom({ records, derivations }: ApplyContext, row: number): MemoryRow[] {
  const reached = new Set([row]);
  return [...walk()];

  function* walk(): Generator<MemoryRow> {
    for (const each of reached) {
      const record = records.intactByRow(each);
      if (record !== undefined && record.state !== 'forgotten') yield record;
      else for (const made of derivations.bySource(each)) reached.add(made.row);
    }
  }
}

/** The state that a memory had before any incident held it. */
function earlierState(context: ApplyContext, { row, state, revision }: MemoryRow): ContainedRow['state'] {
  const [earlier] = heldLines(context, row);
  if (earlier !== undefined) return earlier.state;
  const returned = context.incidents.ofRow(row);
  // A source that somebody wrote after it returned stays active, whatever becomes of its facts.
  if (returned.some((line) => line.revision === revision)) return 'consolidated';
  for (const line of returned) context.incidents.letGo(line);
  return state === 'active' || state === 'superseded' || state === 'consolidated' ? state : 'active';
}

/** Gives a memory its state again. A source whose fact is still held stands in its place. */
function releaseRecord(
  context: ApplyContext,
  record: MemoryRow,
  line: ContainedRow,
  stamp: { readonly at: number; readonly by: number },
): MemoryRow {
  const { incidents, containment } = context;
  const facts = line.state === 'consolidated' ? containment.factsFrom(record.row) : [];
  const isAwaiting = facts.some(({ state }) => state === 'quarantined');
  const isOrphan = line.state === 'consolidated' && facts.length === 0;
  const released = revise(context, record, {
    columns: { state: isAwaiting || isOrphan ? 'active' : line.state },
    ...stamp,
  });
  for (const returned of incidents.ofRow(record.row)) incidents.letGo(returned);
  if (isAwaiting) incidents.hold({ ...line, reason: 'returned', revision: released.revision });
  return released;
}

/** @throws NOT_FOUND */
export function knownIncident({ incidents }: Pick<ApplyContext, 'incidents'>, id: string): IncidentRow {
  const found = incidents.byId(id);
  if (found !== undefined) return found;
  throw new MemoryError('NOT_FOUND', `Incident ${JSON.stringify(id)} was not found. List all with trust.incidents().`);
}

/** The lines of the incidents that hold a memory. */
export function heldLines({ incidents }: Pick<ApplyContext, 'incidents'>, row: number): ContainedRow[] {
  return incidents.ofRow(row).filter(({ reason }) => reason !== 'returned');
}

/** Ends an incident that holds nothing any more. */
export function endIfEmpty(
  { incidents }: Pick<ApplyContext, 'incidents'>,
  incident: IncidentRow,
  at: number,
  reason: string | undefined,
): void {
  const isEmpty = incidents.ofIncident(incident.number).every((line) => line.reason === 'returned');
  incidents.put({ ...incident, ended: isEmpty ? at : null, reason: reason ?? incident.reason });
}

/** @throws FORBIDDEN */
export function assertHost({ by }: Stamp): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Not allowed to contain or release memories: only the host may.');
}

function linesOf(context: ApplyContext, id: string): ContainedRow[] {
  const { number } = knownIncident(context, id);
  return context.incidents.ofIncident(number).filter(({ reason }) => reason !== 'returned');
}

function linesOfIds(context: ApplyContext, ids: readonly string[]): ContainedRow[] {
  return [...new Set(ids)].flatMap((id) => {
    // Also of a forgotten memory, so that an incident of which everything was forgotten ends.
    const record = context.records.uncheckedOrTombstone(id);
    return record === undefined ? [] : heldLines(context, record.row);
  });
}

/** Gives sources the state 'consolidated' again if a released fact stands for them, unless somebody wrote them meanwhile. */
function restoreSources(
  context: ApplyContext,
  released: readonly MemoryRow[],
  stamp: { at: number; by: number },
): void {
  const { derivations, incidents, records, containment } = context;
  const sources = released.flatMap(({ row }) => derivations.ofRow(row).flatMap(({ source }) => source));
  for (const row of [...new Set(sources)].sort((a, b) => a - b)) {
    const lines = incidents.ofRow(row).filter(({ reason }) => reason === 'returned');
    if (lines.length === 0 || containment.factsFrom(row).some(({ state }) => state === 'quarantined')) continue;
    for (const line of lines) incidents.letGo(line);
    const record = records.intactByRow(row);
    const isUnchanged = record?.state === 'active' && lines.some(({ revision }) => revision === record.revision);
    if (isUnchanged) revise(context, record, { columns: { state: 'consolidated' }, ...stamp });
  }
}
