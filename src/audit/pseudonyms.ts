import { createHash } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import type { Namespace } from '../domain/namespace';
import type { Party } from '../domain/principal';
import { prepare, queriesOver } from '../sqlite/sqlite';
import type { ChainTables, NameKind } from './tables';

const queries = queriesOver<ChainTables>();
const pseudonymBytes = 16;
// Some megabytes: with more, it begins anew. A cache that knows what was used last takes a millisecond to make.
const keptNames = 20_000;

/** Randomness that the proposer has fixed, asked for only where a name has no pseudonym yet. */
export type Seed = () => Uint8Array;

/** The pseudonyms of principals and namespaces in one chain. */
export class Pseudonyms {
  readonly #byName;
  readonly #byPseudonym;
  readonly #insert;
  readonly #kept = new Map<string, string>();

  constructor(database: Database) {
    this.#byName = prepare<{ kind: NameKind; name: string }, { pseudonym: string }>(database, (p) =>
      queries.selectFrom('audit_names').select('pseudonym').where('kind', '=', p('kind')).where('name', '=', p('name')),
    );
    this.#byPseudonym = prepare<{ pseudonym: string }, { kind: NameKind; name: string }>(database, (p) =>
      queries.selectFrom('audit_names').select(['kind', 'name']).where('pseudonym', '=', p('pseudonym')),
    );
    this.#insert = prepare<ChainTables['audit_names'], unknown>(database, (p) =>
      queries.insertInto('audit_names').values({ pseudonym: p('pseudonym'), kind: p('kind'), name: p('name') }),
    );
  }

  /** The pseudonym of a party; a new one where it has none. */
  ofParty({ kind, id }: Party, seed: Seed): string {
    return this.#of(kind, JSON.stringify(id), seed);
  }

  ofNamespace(namespace: Namespace, seed: Seed): string {
    return this.#of('namespace', JSON.stringify(namespace), seed);
  }

  findParty({ kind, id }: Party): string | undefined {
    return this.#find(kind, JSON.stringify(id));
  }

  /** Undefined where the name was erased, or never was. */
  party(pseudonym: string): Party | undefined {
    const found = this.#byPseudonym.get({ pseudonym });
    return found === undefined || found.kind === 'namespace'
      ? undefined
      : { kind: found.kind, id: JSON.parse(found.name) };
  }

  namespace(pseudonym: string): Namespace | undefined {
    const found = this.#byPseudonym.get({ pseudonym });
    return found?.kind === 'namespace' ? JSON.parse(found.name) : undefined;
  }

  /** Forgets what is kept in memory: after a transaction that was rolled back, or an erasure. */
  reload(): void {
    this.#kept.clear();
  }

  #of(kind: NameKind, name: string, seed: Seed): string {
    const known = this.#find(kind, name);
    if (known !== undefined) return known;
    const hash = createHash('sha256').update(seed()).update(kind).update(name).digest();
    const pseudonym = hash.subarray(0, pseudonymBytes).toString('base64url');
    this.#insert.run({ pseudonym, kind, name });
    this.#keep(kind + name, pseudonym);
    return pseudonym;
  }

  #find(kind: NameKind, name: string): string | undefined {
    const key = kind + name;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const stored = this.#byName.get({ kind, name })?.pseudonym;
    if (stored !== undefined) this.#keep(key, stored);
    return stored;
  }

  #keep(key: string, pseudonym: string): void {
    if (this.#kept.size >= keptNames) this.#kept.clear();
    this.#kept.set(key, pseudonym);
  }
}
