import { createHash } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import type { ErrorCode } from '../domain/errors';
import { normalName } from '../domain/names';
import { type Namespace, sameNamespace } from '../domain/namespace';
import type { Actor, Party } from '../domain/principal';
import { prepare, queriesOver } from '../sqlite/sqlite';
import type { ChainTables, NameKind } from './audit-database';
import { AuditChain } from './chain';
import type { AuditDecision, ChainHead, NewChainEntry } from './chain-entry';

/** The memories in one namespace that a call returned, changed or asked for. */
export interface TouchedMemories {
  readonly namespace: Namespace | undefined;
  readonly ids: readonly string[];
}

/** A call or a command to record. It contains names; `append` replaces them by pseudonyms. */
export interface AuditEvent {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly by: Actor;
  readonly action: string;
  readonly decision: AuditDecision;
  readonly code?: ErrorCode | undefined;
  readonly namespace?: Namespace | undefined;
  readonly touched: readonly TouchedMemories[];
  readonly policyVersion: number;
  readonly rules: readonly string[];
  readonly changeSeq: number;
  readonly head?: ChainHead | undefined;
}

/**
 * One chain of audit entries, and the names behind its pseudonyms. The hashed entries contain only pseudonyms, so that a name can be
 * erased without breaking the chain.
 */
export class AuditLog {
  readonly chain: AuditChain;
  readonly names: Pseudonyms;

  constructor(database: Database) {
    this.chain = new AuditChain(database);
    this.names = new Pseudonyms(database);
  }

  /** Appends an entry, inside the caller's transaction, and returns its number. */
  append(event: AuditEvent, seed: Seed): number {
    return this.chain.append(this.#entryOf(event, seed));
  }

  /** Appends entries, inside the caller's transaction. This is faster than one call of `append` for each. */
  appendAll(events: readonly AuditEvent[], seed: Seed): void {
    this.chain.appendAll(events.map((event) => this.#entryOf(event, seed)));
  }

  /** Reads the cached state again. Call it after a transaction was rolled back. */
  reload(): void {
    this.chain.reload();
    this.names.reload();
  }

  #entryOf(event: AuditEvent, seed: Seed): NewChainEntry {
    const { names } = this;
    const { party, onBehalfOf } = event.by;
    const namespace = this.#ofNamespace(event.namespace, seed);
    // Lists the fields instead of copying the object, which would be slower: this runs for each read and each write.
    return {
      at: event.at,
      party: party === 'root' ? 'root' : names.ofParty(party, seed),
      onBehalfOf: onBehalfOf === undefined ? null : names.ofParty(onBehalfOf, seed),
      action: event.action,
      decision: event.decision,
      code: event.code ?? null,
      namespace,
      touched: event.touched.map((each) => [
        isSame(each.namespace, event.namespace) ? namespace : this.#ofNamespace(each.namespace, seed),
        each.ids,
      ]),
      policyVersion: event.policyVersion,
      rules: event.rules,
      changeSeq: event.changeSeq,
      head: event.head ?? null,
    };
  }

  #ofNamespace(namespace: Namespace | undefined, seed: Seed): string | null {
    return namespace === undefined ? null : this.names.ofNamespace(namespace, seed);
  }
}

function isSame(a: Namespace | undefined, b: Namespace | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameNamespace(a, b);
}

/** Returns 16 random bytes from which a new pseudonym is made. Called only if a name has no pseudonym yet. */
export type Seed = () => Uint8Array;

const queries = queriesOver<ChainTables>();
const pseudonymBytes = 16;
// The full cache takes a few megabytes, and is then emptied. An LRU cache would take a millisecond to create. A namespace may have
// thousands of characters.
const maxCachedNames = 20_000;
const maxCachedChars = 2_000_000;

/** Translates principals and namespaces to their pseudonyms in one chain, and back. */
export class Pseudonyms {
  readonly #byName;
  readonly #byPseudonym;
  readonly #insert;
  readonly #notAscii;
  readonly #all;
  readonly #delete;
  readonly #cache = new Map<string, string>();
  #cachedChars = 0;
  #formsByName: ReadonlyMap<string, string[]> | undefined;

  constructor(database: Database) {
    this.#byName = prepare<{ kind: NameKind; name: string }, { pseudonym: string }>(database, (p) =>
      queries.selectFrom('audit_names').select('pseudonym').where('kind', '=', p('kind')).where('name', '=', p('name')),
    );
    this.#byPseudonym = prepare<{ pseudonym: string }, { kind: NameKind; name: string }>(database, (p) =>
      queries.selectFrom('audit_names').select(['kind', 'name']).where('pseudonym', '=', p('pseudonym')),
    );
    this.#notAscii = prepare<object, ChainTables['audit_names']>(database, () =>
      queries.selectFrom('audit_names').selectAll().where(sql<boolean>`octet_length(name) <> length(name)`),
    );
    this.#all = prepare<object, ChainTables['audit_names']>(database, () =>
      queries.selectFrom('audit_names').selectAll(),
    );
    this.#delete = prepare<{ pseudonym: string }, unknown>(database, (p) =>
      queries.deleteFrom('audit_names').where('pseudonym', '=', p('pseudonym')),
    );
    this.#insert = prepare<ChainTables['audit_names'], unknown>(database, (p) =>
      queries.insertInto('audit_names').values({ pseudonym: p('pseudonym'), kind: p('kind'), name: p('name') }),
    );
  }

  /** Returns the pseudonym of a party (an agent, user or service). Creates one if the party has none. */
  ofParty({ kind, id }: Party, seed: Seed): string {
    return this.#of(kind, JSON.stringify(id), seed);
  }

  /** Returns the pseudonym of a namespace. Creates one if the namespace has none. */
  ofNamespace(namespace: Namespace, seed: Seed): string {
    return this.#of('namespace', JSON.stringify(namespace), seed);
  }

  /**
   * Looks up the pseudonyms of a party. A party has several if an earlier release recorded its name in another Unicode form. The entries
   * with these pseudonyms cannot change, because hashes cover them.
   */
  findParty({ kind, id }: Party): string[] {
    const pseudonym = this.#find(kind, JSON.stringify(id));
    const others = this.#otherForms().get(kind + id) ?? [];
    return pseudonym === undefined ? others : [pseudonym, ...others];
  }

  /** Looks up the party behind a pseudonym. Returns undefined if its name was erased, or if the pseudonym stands for a namespace. */
  party(pseudonym: string): Party | undefined {
    const found = this.#byPseudonym.get({ pseudonym });
    return found === undefined || found.kind === 'namespace'
      ? undefined
      : { kind: found.kind, id: normalName(JSON.parse(found.name)) };
  }

  /** Looks up the namespace behind a pseudonym. Returns undefined if its name was erased, or if the pseudonym stands for a party. */
  namespace(pseudonym: string): Namespace | undefined {
    const found = this.#byPseudonym.get({ pseudonym });
    return found?.kind === 'namespace' ? (JSON.parse(found.name) as string[]).map(normalName) : undefined;
  }

  /** Deletes names, inside the caller's transaction. Their pseudonyms stand for nobody then. */
  erase(isErased: (named: { userId: string } | { namespace: Namespace }) => boolean): void {
    for (const { pseudonym, kind, name } of this.#all.all({})) {
      if (kind !== 'user' && kind !== 'namespace') continue;
      const named = kind === 'user' ? { userId: JSON.parse(name) } : { namespace: JSON.parse(name) };
      if (isErased(named)) this.#delete.run({ pseudonym });
    }
    this.reload();
  }

  /** Empties the cache. Call it after a transaction was rolled back, or after a name was erased. */
  reload(): void {
    this.#cache.clear();
    this.#cachedChars = 0;
    this.#formsByName = undefined;
  }

  /** The pseudonyms of parties whose recorded names are not in normal form. No name is recorded in such a form any more. */
  #otherForms(): ReadonlyMap<string, string[]> {
    if (this.#formsByName !== undefined) return this.#formsByName;
    const forms = new Map<string, string[]>();
    for (const { pseudonym, kind, name } of this.#notAscii.all({})) {
      if (kind === 'namespace' || normalName(name) === name) continue;
      const key = kind + normalName(JSON.parse(name));
      forms.set(key, [...(forms.get(key) ?? []), pseudonym]);
    }
    this.#formsByName = forms;
    return forms;
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
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const stored = this.#byName.get({ kind, name })?.pseudonym;
    if (stored !== undefined) this.#keep(key, stored);
    return stored;
  }

  #keep(key: string, pseudonym: string): void {
    this.#cachedChars += key.length;
    if (this.#cache.size >= maxCachedNames || this.#cachedChars > maxCachedChars) {
      this.#cache.clear();
      this.#cachedChars = key.length;
    }
    this.#cache.set(key, pseudonym);
  }
}
