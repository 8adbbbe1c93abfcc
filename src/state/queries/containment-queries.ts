import type { Database } from 'better-sqlite3';
import type { ContainmentReason, ParsedIncidentSelection } from '../../domain/incident';
import { type Actor, isRoot, partiesOf, sameActor, sameParty } from '../../domain/principal';
import type { Derivations } from '../tables/derivations';
import type { ReadonlyInterning } from '../tables/interning';
import type { MemoryRow } from '../tables/memory-row';
import type { ChangeQueries } from './change-queries';
import type { MemoryQueries } from './memory-queries';

/** What the selection of memories to contain depends on. All of it is in tables, so that every peer selects the same. */
export interface ContainmentTables {
  readonly interning: Pick<ReadonlyInterning, 'actor' | 'actors'>;
  readonly records: Pick<MemoryQueries, 'intactByRow' | 'unchecked'>;
  readonly changes: Pick<ChangeQueries, 'revision'>;
  readonly derivations: Pick<Derivations, 'bySource' | 'ofRow'>;
}

/** A memory to contain. */
export interface Containable {
  readonly record: MemoryRow;
  readonly reason: ContainmentReason;
}

/** What a selection contains. All lists are in the order of the rows. */
export interface Containment {
  /** The numbers of the actors that the selection names. */
  readonly authors: readonly number[];
  readonly held: readonly Containable[];
  /** Sources of held facts, which stand in the place of the facts again. */
  readonly returned: readonly MemoryRow[];
}

/** A change that an actor made to a memory. */
export interface ChangeBy {
  readonly row: number;
  readonly revision: number;
}

type Reasons = Map<number, ContainmentReason>;

/** Finds the memories that a selection contains, and everything that depends on them. Damaged records are left out: no read returns them. */
export class ContainmentQueries {
  readonly #tables: ContainmentTables;
  readonly #selected;
  readonly #changesBy;
  readonly #writtenAfter;

  constructor(database: Database, tables: ContainmentTables) {
    this.#tables = tables;
    // The plus keeps SQLite from the index of times, which leads to every row if no time is given.
    this.#selected = database
      .prepare<[{ since: number; authors: string | null; ref: string | null; ids: string | null }], number>(
        `select row from memories where state <> 'forgotten' and +created_at >= @since
        and (@authors is null or author in (select value from json_each(@authors)))
        and (@ref is null or source_ref = @ref)
        and (@ids is null or id in (select value from json_each(@ids))) order by row`,
      )
      .pluck();
    this.#changesBy = database.prepare<[{ since: number; authors: string }], ChangeBy>(
      `select row, revision from changes where revision > 1 and type = 'revised' and at >= @since
      and by in (select value from json_each(@authors)) order by row, revision`,
    );
    this.#writtenAfter = database
      .prepare<[{ by: number; changeSeq: number; limit: number }], string>(
        `select distinct memories.id from changes join memories on memories.row = changes.row
        where changes.change_seq > @changeSeq and changes.by = @by and changes.type <> 'forgotten' limit @limit`,
      )
      .pluck();
  }

  /** The memories that a selection contains. With `derived` also those that depend on them. */
  contained(selection: ParsedIncidentSelection, derived: boolean): Containment {
    const { by } = selection;
    const authors = by === undefined ? [] : this.authorsOf(by);
    const records = new Map<number, MemoryRow>();
    const reasons: Reasons = new Map();
    this.#select(selection, by === undefined ? undefined : authors, reasons);
    const load = (row: number) => {
      const record = records.get(row) ?? this.#tables.records.intactByRow(row);
      if (record !== undefined) records.set(row, record);
      return record;
    };
    if (derived) this.#close(reasons, load);
    const rows = [...reasons.keys()].sort((a, b) => a - b);
    const held = rows.flatMap((row): Containable[] => {
      const record = load(row);
      return record === undefined ? [] : [{ record, reason: reasons.get(row) as ContainmentReason }];
    });
    return { authors, held, returned: this.#returned(held.map(({ record }) => record)) };
  }

  /** The memories that depend on some rows, without these rows. */
  derivedFrom(rows: readonly number[]): MemoryRow[] {
    const reasons: Reasons = new Map(rows.map((row) => [row, 'selected']));
    const load = (row: number) => this.#tables.records.intactByRow(row);
    this.#close(reasons, load, true);
    const found = [...reasons].filter(([, reason]) => reason !== 'selected').map(([row]) => row);
    return found.sort((a, b) => a - b).flatMap((row) => load(row) ?? []);
  }

  /** The numbers of the actors that are a principal, or that act on its behalf. */
  authorsOf(by: Actor): number[] {
    const isNamed = (actor: Actor) =>
      by.party === 'root' || by.onBehalfOf !== undefined
        ? sameActor(actor, by)
        : partiesOf(actor).some((party) => by.party !== 'root' && sameParty(party, by.party));
    return this.#tables.interning.actors().flatMap(({ id, actor }) => (isNamed(actor) ? [id] : []));
  }

  /** The changes of some actors to memories since a time, in the order of rows and revisions. */
  changesBy(authors: readonly number[], since: number | undefined): ChangeBy[] {
    return this.#changesBy.all({ authors: JSON.stringify(authors), since: since ?? 0 });
  }

  /** The ids of memories that an actor wrote or changed after the change `changeSeq`. */
  writtenAfter(by: number, changeSeq: number, limit: number): string[] {
    return this.#writtenAfter.all({ by, changeSeq, limit });
  }

  #select(
    { since = 0, ref, ids }: ParsedIncidentSelection,
    authors: readonly number[] | undefined,
    reasons: Reasons,
  ): void {
    const all = { since, ref: ref ?? null, ids: ids === undefined ? null : JSON.stringify(ids) };
    const listed = authors === undefined ? null : JSON.stringify(authors);
    for (const row of this.#selected.all({ ...all, authors: listed })) reasons.set(row, 'selected');
    if (authors === undefined || authors.length === 0) return;
    const changes = this.changesBy(authors, since).filter(({ row }) => !reasons.has(row));
    if (changes.length === 0) return;
    const filtered = ref !== undefined || ids !== undefined;
    const allowed = filtered ? new Set(this.#selected.all({ ...all, since: 0, authors: null })) : undefined;
    for (const change of changes) {
      if (reasons.has(change.row) || allowed?.has(change.row) === false) continue;
      if (this.#changesContent(change)) reasons.set(change.row, 'changed');
    }
  }

  /** Checks whether a change brought new content. A change of labels or of the state alone does not. */
  #changesContent({ row, revision }: ChangeBy): boolean {
    const { changes, records } = this.#tables;
    const after = changes.revision(row, revision) ?? records.intactByRow(row);
    const before = changes.revision(row, revision - 1);
    if (after === undefined || before === undefined) return after !== undefined;
    const columns = ['text', 'metadata', 'kind', 'tags', 'priority', 'valid_from', 'user_id', 'session_id'] as const;
    return columns.some((column) => after[column] !== before[column]);
  }

  /** Adds everything that depends on the rows, directly or through other memories. */
  #close(reasons: Reasons, load: (row: number) => MemoryRow | undefined, withHost = false): void {
    const { derivations, records, interning } = this.#tables;
    // A map also yields the rows that are added meanwhile.
    for (const row of reasons.keys()) {
      for (const derived of derivations.bySource(row))
        if (!reasons.has(derived.row)) reasons.set(derived.row, 'derived');
      const successor = load(row)?.superseded_by ?? null;
      const superseding = successor === null ? undefined : records.unchecked(successor);
      if (superseding === undefined || reasons.has(superseding.row)) continue;
      // What the host wrote in the place of a memory is its correction.
      const isByHost = isRoot(interning.actor(superseding.author));
      if (withHost || !isByHost) reasons.set(superseding.row, 'superseding');
    }
  }

  /** The sources of held facts. What superseded a fact stands for its sources, too. */
  #returned(held: readonly MemoryRow[]): MemoryRow[] {
    const { derivations, records } = this.#tables;
    const rows = new Set(held.map(({ row }) => row));
    const sources = new Set<number>();
    for (const { row, state } of held) {
      if (state === 'superseded') continue;
      for (const { source, kind } of derivations.ofRow(row)) if (kind === 'consolidated') sources.add(source);
    }
    return [...sources]
      .filter((row) => !rows.has(row))
      .sort((a, b) => a - b)
      .flatMap((row) => records.intactByRow(row) ?? [])
      .filter(({ state }) => state === 'consolidated');
  }

  /** The facts that were made from a source. */
  factsFrom(source: number): MemoryRow[] {
    const { derivations, records } = this.#tables;
    const facts = derivations.bySource(source).filter(({ kind }) => kind === 'consolidated');
    return facts.flatMap(({ row }) => records.intactByRow(row) ?? []);
  }
}
