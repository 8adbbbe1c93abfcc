import type { KeyObject } from 'node:crypto';
import type { AuditChainName, AuditDecision } from '../audit/chain-entry';
import { type Checkpoint, publicKeyOf } from '../audit/checkpoint';
import { segmentLength } from '../audit/merkle';
import { type AuditSearch, type ChainPositions, type SearchRange, searchChains, startOf } from '../audit/search';
import { type AuditVerification, verifyAudit } from '../audit/verify-audit';
import type { CallOptions, LongCallOptions, Time } from '../domain/calls';
import type { Namespace } from '../domain/namespace';
import { parse } from '../domain/parse/shapes';
import type { Principal } from '../domain/principal';
import { type Caller, emptyScope, narrowNamespace } from '../domain/scope';
import { nextTurn, startStopwatch } from '../environment/timers';
import { submit } from '../write/submit';
import { type AuditEntry, AuditView, assertMayAudit, type ExportedAuditEntry } from './audit-view';
import type { AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';
import { ListQuery } from './list-query';

/** Selects entries of the audit. An entry must match all fields that are given. */
export interface AuditQuery extends CallOptions {
  /** Entries that name this memory. */
  id?: string;
  /** Entries that name a memory that is or was about this user, including forgotten ones. */
  userId?: string;
  /**
   * Entries of this principal, as the one that made the call or as the user on whose behalf it was made. With `onBehalfOf`: entries
   * of exactly this pair.
   */
  by?: Principal;
  /** Entries of this call, or of one of these calls, such as 'get', 'recall' and 'remember'. */
  action?: string | readonly string[];
  /** Entries of calls that were allowed, or of those that were refused. */
  decision?: AuditDecision;
  /** Entries about this namespace and below. */
  within?: Namespace;
  /** Entries of this time and later. */
  since?: Time;
  /** Entries before this time. */
  until?: Time;
  /** The number of entries on a page. Default: 100; at most 1,000. */
  limit?: number;
  /** The `nextCursor` of an earlier page of the same query. */
  cursor?: string;
  /** Default: 'newest', which means newest first. */
  order?: 'newest' | 'oldest';
}

/** One page of entries. */
export interface AuditPage {
  items: AuditEntry[];
  /** Reads the next page. Absent on the last page. */
  nextCursor?: string;
}

/**
 * The audit, for principals with the action `audit`: the part about the namespaces that they may audit. Every query is recorded in
 * the audit itself.
 */
export interface AuditHandle {
  /**
   * The entries that match a query. Await it for one page, or iterate it for all entries that exist when the iteration starts.
   *
   * @throws FORBIDDEN without `audit` in any namespace of the handle's scope, INVALID_INPUT, INVALID_CURSOR
   */
  query(query?: AuditQuery): PromiseLike<AuditPage> & AsyncIterable<AuditEntry>;
  /**
   * The entries that match a query, each with its hash and the bytes that the hash covers if the principal may audit everything in
   * the entry.
   *
   * @throws FORBIDDEN, INVALID_INPUT
   */
  export(query?: Omit<AuditQuery, 'limit' | 'cursor'>): AsyncIterable<ExportedAuditEntry>;
}

/** Options of `StoreAudit.verify`. */
export interface AuditVerifyOptions extends LongCallOptions {
  /** Checkpoints that you kept outside the store, of one chain or of both. Default: none. */
  head?: Checkpoint | readonly Checkpoint[];
  /**
   * The Ed25519 public key that signed the checkpoints, as a KeyObject or in PEM format. With it, a checkpoint without a valid
   * signature is rejected.
   */
  publicKey?: KeyObject | string;
}

/** The audit for the host program, which may audit the whole store. */
export interface StoreAudit extends AuditHandle {
  /**
   * Computes both chains again and compares them with the stored hashes and the given checkpoints. It finds every change to the
   * entries that the checkpoints cover. Without checkpoints the result has `anchored: false`, because a program that can write the
   * files can also rewrite the chains.
   *
   * @throws INVALID_INPUT for a checkpoint of another store or without a valid signature
   */
  verify(options?: AuditVerifyOptions): Promise<AuditVerification>;
  /** Makes a checkpoint of each chain as it is now. Keep it outside the store. */
  checkpoint(): Promise<Checkpoint[]>;
  /**
   * Deletes entries before a time, in whole segments of 1,024 entries that a checkpoint covers. The roots of the deleted segments
   * stay. Returns the number of deleted entries.
   *
   * @throws INVALID_INPUT, STORE_READ_ONLY
   */
  retain(options: { since: Time }): Promise<{ dropped: number }>;
}

const defaultLimit = 100;

/** What the audit of a store needs of it. */
export type AuditHandleDeps = Pick<Engine, 'state' | 'audit' | 'auditCursors' | 'shapes' | 'reading' | 'version'>;

/** What the audit of the host needs beside that. */
type RootAuditDeps = AuditHandleDeps & Pick<Engine, 'writing'>;

type ParsedQuery = ReturnType<AuditHandleDeps['shapes']['auditQuery']['parse']>;

interface PreparedQuery {
  readonly search: AuditSearch;
  readonly upTo: ChainPositions;
  readonly view: AuditView;
}

/** The audit as one caller may see it. */
export class PrincipalAudit implements AuditHandle {
  readonly #engine: AuditHandleDeps;
  readonly #calls: AuditedCalls;
  readonly #caller: Caller;

  constructor(engine: AuditHandleDeps, calls: AuditedCalls, caller: Caller) {
    this.#engine = engine;
    this.#calls = calls;
    this.#caller = caller;
  }

  query(query: AuditQuery = {}): ListQuery<AuditEntry, AuditPage> {
    const refreshers = new WeakMap<AuditEntry, () => AuditEntry | undefined>();
    return new ListQuery(
      (cursor) =>
        this.#calls.read('audit.query', (target) => {
          const parsed = this.#parse(cursor === undefined ? query : { ...query, cursor });
          target.namespace = parsed.within ?? target.namespace;
          return this.#page(parsed, refreshers);
        }),
      { version: () => this.#engine.version(), refresh: (entry) => refreshers.get(entry)?.() },
    );
  }

  async *export(query: Omit<AuditQuery, 'limit' | 'cursor'> = {}): AsyncGenerator<ExportedAuditEntry> {
    const { found, view } = await this.#calls.read('audit.export', (target) => {
      const parsed = this.#parse(query);
      target.namespace = parsed.within ?? target.namespace;
      const { search, upTo, view } = this.#prepare(parsed);
      return { view, found: this.#search(search, { after: startOf(search, upTo), upTo }, parsed.signal) };
    });
    for await (const each of found) {
      const entry = view.exportedEntry(each);
      if (entry !== undefined) yield entry;
    }
  }

  async #page(query: ParsedQuery, refreshers: WeakMap<AuditEntry, () => AuditEntry | undefined>): Promise<AuditPage> {
    const { search, upTo, view } = this.#prepare(query);
    const { limit = defaultLimit, cursor, signal } = query;
    const binding = this.#binding(query);
    const firstPage = { after: startOf(search, upTo), upTo };
    const range = cursor === undefined ? firstPage : this.#engine.auditCursors.decrypt(cursor, binding);
    const after: Record<AuditChainName, number> = { ...range.after };
    const items: AuditEntry[] = [];
    for await (const found of this.#search(search, range, signal)) {
      const entry = view.entry(found);
      if (entry !== undefined && items.length === limit) {
        return { items, nextCursor: this.#engine.auditCursors.encrypt({ after, upTo: range.upTo }, binding) };
      }
      after[found.chain] = found.entry.seq;
      if (entry === undefined) continue;
      items.push(entry);
      refreshers.set(entry, () => view.entry(found));
    }
    return { items };
  }

  /** Checks the right to audit first, and then fixes the last entries of the search, so that it does not find later ones. */
  #prepare(query: ParsedQuery): PreparedQuery {
    // Loads what another process has written.
    this.#engine.reading();
    const { state, audit } = this.#engine;
    assertMayAudit(state, this.#caller);
    audit.synchronize();
    const { id, userId, by, action, decision, since, until, order = 'newest', within } = query;
    const aboutUser = userId === undefined ? undefined : state.records.idsAbout(userId);
    const ids = id === undefined ? aboutUser : aboutUser === undefined || aboutUser.includes(id) ? [id] : [];
    const actions = action === undefined ? undefined : new Set(typeof action === 'string' ? [action] : action);
    const narrowed = narrowNamespace(this.#caller.scope.namespace, within);
    const namespace = narrowed === emptyScope ? undefined : (narrowed ?? []);
    const { changes, access } = audit.logs;
    return {
      search: { ids: namespace === undefined ? [] : ids, by, actions, decision, since, until, order },
      upTo: { changes: changes.chain.size, access: access.chain.size },
      view: new AuditView(this.#engine, this.#caller, namespace ?? [], ids),
    };
  }

  #search(search: AuditSearch, range: SearchRange, signal: AbortSignal | undefined) {
    return searchChains(this.#engine.audit.logs, search, range, async () => {
      signal?.throwIfAborted();
      await nextTurn();
    });
  }

  #parse(query: unknown): ParsedQuery {
    const parsed = parse(this.#engine.shapes.auditQuery, query, 'query');
    parsed.signal?.throwIfAborted();
    return parsed;
  }

  /** A cursor is valid for the same actor, scope and query. */
  #binding({ limit: _, cursor: __, signal: ___, ...query }: ParsedQuery): string {
    const { actor, scope } = this.#caller;
    return JSON.stringify([actor, scope, query]);
  }
}

/** The audit of the host program. */
export class RootAudit extends PrincipalAudit implements StoreAudit {
  readonly #engine: RootAuditDeps;
  readonly #calls: AuditedCalls;
  readonly #caller: Caller;

  constructor(engine: RootAuditDeps, calls: AuditedCalls, caller: Caller) {
    super(engine, calls, caller);
    this.#engine = engine;
    this.#calls = calls;
    this.#caller = caller;
  }

  verify(options: AuditVerifyOptions = {}): Promise<AuditVerification> {
    return this.#calls.read('audit.verify', () => {
      const parsed = parse(this.#engine.shapes.auditVerifyOptions, options, 'options');
      const { head = [], publicKey, signal, onProgress } = parsed;
      const elapsedMs = startStopwatch();
      this.#engine.reading();
      return verifyAudit(this.#engine.audit, {
        heads: Array.isArray(head) ? head : [head],
        publicKey: publicKey === undefined ? undefined : publicKeyOf(publicKey),
        betweenBatches: async (chain, done, total) => {
          signal?.throwIfAborted();
          onProgress?.({ phase: chain, done, failed: 0, total, perSecond: (done / elapsedMs()) * 1000 });
          await nextTurn();
        },
      });
    });
  }

  checkpoint(): Promise<Checkpoint[]> {
    return this.#calls.read('audit.checkpoint', () => {
      this.#engine.reading();
      return this.#engine.audit.checkpoint();
    });
  }

  retain(options: { since: Time }): Promise<{ dropped: number }> {
    return this.#calls.write('audit.retain', async () => {
      const context = this.#engine.writing();
      const { since } = parse(this.#engine.shapes.auditRetainOptions, options, 'options');
      const { audit } = this.#engine;
      const access = audit.retain(since, context.clock.now());
      const { chain } = audit.logs.changes;
      const covered = Math.min(chain.endOfSegmentsBefore(since), audit.checkpoints.checkpointedSize('changes'));
      const upTo = covered - (covered % segmentLength);
      if (chain.after(0, 1).every(({ seq }) => seq > upTo)) return { dropped: access };
      const { dropped } = await submit(context, this.#caller, { type: 'retain', upTo });
      return { dropped: access + dropped };
    });
  }
}
