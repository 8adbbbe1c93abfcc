import type { Incident } from '../../domain/incident';
import { principalOf } from '../../domain/principal';
import type { IncidentRow, Incidents } from '../tables/incidents';
import type { ReadonlyInterning } from '../tables/interning';
import type { MemoryRow } from '../tables/memory-row';
import type { Containment } from './containment-queries';
import type { MemoryQueries } from './memory-queries';

interface Tables {
  readonly incidents: Pick<Incidents, 'ofIncident'>;
  readonly records: Pick<MemoryQueries, 'intactByRow' | 'unchecked'>;
  readonly interning: Pick<ReadonlyInterning, 'actor'>;
}

type Held = Pick<Incident, 'memories' | 'superseded' | 'returned'>;

/** Describes an incident as it is now, without memories that were forgotten. */
export function incidentOf(tables: Tables, incident: IncidentRow): Incident {
  const { records, incidents } = tables;
  const lines = incidents.ofIncident(incident.number).flatMap((line) => {
    const record = records.intactByRow(line.row);
    return record === undefined ? [] : [{ reason: line.reason, record }];
  });
  const held = lines.flatMap(({ reason, record }) => (reason === 'returned' ? [] : [{ reason, record }]));
  const returned = lines.flatMap(({ reason, record }) => (reason === 'returned' ? [record] : []));
  const { id, at, ended, reason } = incident;
  return {
    id,
    at: new Date(at),
    authors: principalsOf(tables, JSON.parse(incident.authors)),
    ...describe(tables, { held, returned }),
    ...(ended === null ? {} : { ended: new Date(ended) }),
    ...(reason === null ? {} : { reason }),
  };
}

/** Describes the incident that a containment would make. */
export function incidentFrom(tables: Tables, containment: Containment, at: number): Incident {
  const authors = principalsOf(tables, containment.authors);
  return { id: '', at: new Date(at), authors, ...describe(tables, containment) };
}

function describe(tables: Tables, { held, returned }: Omit<Containment, 'authors'>): Held {
  return {
    memories: held.map(({ record, reason }) => ({ id: record.id, reason })),
    superseded: supersededBy(
      tables,
      held.map(({ record }) => record),
    ).map(({ id }) => id),
    returned: returned.map(({ id }) => id),
  };
}

/** The memories that some others superseded and that are not among them. */
export function supersededBy({ records }: Pick<Tables, 'records'>, held: readonly MemoryRow[]): MemoryRow[] {
  const ids = new Set(held.map(({ id }) => id));
  return held.flatMap(({ id, supersedes }) => {
    const target = supersedes === null || ids.has(supersedes) ? undefined : records.unchecked(supersedes);
    return target?.superseded_by === id ? [target] : [];
  });
}

function principalsOf({ interning }: Tables, authors: readonly number[]): Incident['authors'] {
  return authors.map((author) => principalOf(interning.actor(author)));
}
