import type { Database } from 'better-sqlite3';
import type { TrustLevel } from '../domain/trust';
import { prepare } from '../sqlite/sqlite';
import { higher, lower, ownTrust, type TrustColumns, type TrustTables } from './apply/trust';
import type { Contribution } from './tables/contributors';
import type { Derivation } from './tables/derivations';
import { countsAt, type Endorsement } from './tables/endorsements';
import { queries } from './tables/schema';

const rowsPerRead = 1024;
const levels = [0, 1, 2] as const satisfies readonly TrustLevel[];

/** The tables that a pass over all memories reads. */
export interface TrustPassTables extends TrustTables {
  readonly derivations: TrustTables['derivations'] & { all(): Iterable<Derivation> };
  readonly contributors: TrustTables['contributors'] & { all(): Iterable<Contribution> };
  readonly endorsements: TrustTables['endorsements'] & { all(): Iterable<Endorsement> };
}

/**
 * Computes the trust of every memory and tombstone at once, which takes as long as reading them. Each has the value that `effectiveTrust`
 * gives: first its own trust, then what endorsements raise it to, then the lowest of what it was made from, beginning with the least trusted.
 */
export class TrustPass {
  readonly #columnsIn;

  constructor(database: Database) {
    this.#columnsIn = prepare<{ after: number; upTo: number }, TrustColumns>(database, (p) =>
      queries
        .selectFrom('memories')
        .select(['row', 'revision', 'state', 'label_set', 'author', 'source_channel', 'trust'])
        .where('row', '>', p('after'))
        .where('row', '<=', p('upTo')),
    );
  }

  /** @returns the level of each row up to `last` */
  run(tables: TrustPassTables, last: number): Uint8Array {
    const trust = new Uint8Array(last + 1);
    const ofColumns = { ...tables, contributors: { ofRow: () => [] }, endorsements: { ofRow: () => [] } };
    for (let after = 0; after < last; after += rowsPerRead) {
      for (const columns of this.#columnsIn.all({ after, upTo: after + rowsPerRead })) {
        trust[columns.row] = ownTrust(ofColumns, columns);
      }
    }
    lowerByContributors(tables, trust);
    raiseByEndorsements(tables, trust);
    lowerBySources(tables, trust);
    return trust;
  }
}

function lowerByContributors({ contributors, ceilings, trustColumnsOf }: TrustPassTables, trust: Uint8Array): void {
  for (const { row, actor } of contributors.all()) {
    const columns = trustColumnsOf(row);
    if (columns === undefined) continue;
    // A line that is damaged has no actor, and its memory is untrusted.
    const ceiling = actor === 0 ? 0 : ceilings.ofActor(actor, columns.label_set);
    trust[row] = lower(trust[row] as TrustLevel, ceiling);
  }
}

function raiseByEndorsements({ endorsements, ceilings, trustColumnsOf }: TrustPassTables, trust: Uint8Array): void {
  for (const endorsement of endorsements.all()) {
    const { row, actor, trust: level } = endorsement;
    const columns = trustColumnsOf(row);
    if (columns === undefined || columns.state === 'quarantined' || !countsAt(endorsement, columns)) continue;
    trust[row] = higher(trust[row] as TrustLevel, lower(level, ceilings.ofActor(actor, columns.label_set)));
  }
}

/** From the lowest level on, each memory hands its level down to what was made from it. So each line is followed once. */
function lowerBySources({ derivations }: TrustPassTables, trust: Uint8Array): void {
  const made = new Map<number, number[]>();
  for (const { row, source } of derivations.all()) {
    const rows = made.get(source);
    if (rows === undefined) made.set(source, [row]);
    else rows.push(row);
  }
  for (const level of levels) {
    // The source 0 of a damaged line is no row. It has level 0.
    const open = [...made.keys()].filter((source) => trust[source] === level);
    for (let source = open.pop(); source !== undefined; source = open.pop()) {
      for (const row of made.get(source) ?? []) {
        if ((trust[row] as number) <= level) continue;
        trust[row] = level;
        if (made.has(row)) open.push(row);
      }
    }
  }
}
