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
import { whileBusy } from '../environment/while-busy';
import { submit } from '../write/submit';
import { type AuditEntry, AuditView, assertMayAudit, type ExportedAuditEntry } from './audit-view';
import type { AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';
import { ListQuery } from './list-query';

/** Selects audit entries. An entry must match all given fields. */
export interface AuditQuery extends CallOptions {
  /** Selects entries that name this memory. */
  id?: string;
  /** Selects entries that name a memory that is or was about this user. Includes forgotten memories. */
  userId?: string;
  /**
   * Selects calls that this principal made, or that were made on its behalf. If the principal has `onBehalfOf`, selects only calls by
   * exactly this pair of agent and user.
   */
  by?: Principal;
  /** Selects entries about one of these calls, such as 'get', 'recall' and 'remember'. */
  action?: string | readonly string[];
  /** Selects only calls that were allowed, or only calls that were refused. */
  decision?: AuditDecision;
  /** Selects entries about this namespace and those below it. */
  within?: Namespace;
  /** Selects entries from this time or later. */
  since?: Time;
  /** Selects entries from before this time. */
  until?: Time;
  /** The number of entries on a page. A page whose entries name many memories ends early. Default: 100; at most 1,000. */
  limit?: number;
  /** The `nextCursor` from an earlier page of the same query. */
  cursor?: string;
  /** Default: 'newest', which means newest first. */
  order?: 'newest' | 'oldest';
}

/** One page of audit entries. */
export interface AuditPage {
  items: AuditEntry[];
  /** Pass it as `cursor` to read the next page. Absent on the last page. */
  nextCursor?: string;
}

/**
 * The audit for a principal with the action `audit`. It shows only entries about namespaces that the principal may audit. Every query is
 * itself recorded in the audit.
 */
export interface AuditHandle {
  /**
   * Finds the entries that match a query. Await the result for one page, or iterate it for all entries that exist when the iteration
   * starts.
   *
   * @throws FORBIDDEN if the principal has `audit` in no namespace within the handle's scope, INVALID_INPUT, INVALID_CURSOR
   */
  query(query?: AuditQuery): PromiseLike<AuditPage> & AsyncIterable<AuditEntry>;
  /**
   * Finds the entries that match a query. If the principal may audit everything in an entry, the entry includes its hash and the bytes
   * that the hash covers.
   *
   * @throws FORBIDDEN, INVALID_INPUT
   */
  export(query?: Omit<AuditQuery, 'limit' | 'cursor'>): AsyncIterable<ExportedAuditEntry>;
}

/** Options of `StoreAudit.verify`. */
export interface AuditVerifyOptions extends LongCallOptions {
  /** Checkpoints that you kept outside the store, for one chain or for both. Default: none. */
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
   * Computes both hash chains again and compares them with the stored hashes and the given checkpoints. It finds every change to
   * entries that the checkpoints cover. Without checkpoints the result has `anchored: false`, because a program that can write the
   * files could also rewrite the chains.
   *
   * @throws INVALID_INPUT for a checkpoint from another store or without a valid signature
   */
  verify(options?: AuditVerifyOptions): Promise<AuditVerification>;
  /** Makes a checkpoint of each chain in its current state. Keep the checkpoints outside the store. */
  checkpoint(): Promise<Checkpoint[]>;
  /**
   * Deletes entries from before a time. It deletes only whole segments of 1,024 entries that a checkpoint covers. The Merkle roots of
   * deleted segments stay. Returns the number of deleted entries.
   *
   * @throws INVALID_INPUT, STORE_READ_ONLY
   */
  retain(options: { since: Time }): Promise<{ dropped: number }>;
}

const defaultLimit = 100;
/** A page ends after the entry with which it names this many memories: one entry may name hundreds of thousands. */
const maxNamedMemories = 20_000;

/** The parts of the store that an `AuditHandle` needs. */
export type AuditHandleDeps = Pick<
  Engine,
  'state' | 'model' | 'audit' | 'auditCursors' | 'shapes' | 'reading' | 'version' | 'settled' | 'levels'
>;

/** The parts of the store that the host's audit needs. */
type RootAuditDeps = AuditHandleDeps & Pick<Engine, 'writing'>;

type ParsedQuery = ReturnType<AuditHandleDeps['shapes']['auditQuery']['parse']>;

interface PreparedQuery {
  readonly search: AuditSearch;
  readonly upTo: ChainPositions;
  readonly view: AuditView;
}

/** The part of the audit that one caller may see. */
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
      {
        version: () => this.#engine.version(),
        refresh: (entry) => refreshers.get(entry)?.(),
        settled: () => this.#engine.settled(),
      },
    );
  }

  async *export(query: Omit<AuditQuery, 'limit' | 'cursor'> = {}): AsyncGenerator<ExportedAuditEntry> {
    const { found, view } = await this.#calls.read('audit.export', async (target) => {
      const parsed = this.#parse(query);
      target.namespace = parsed.within ?? target.namespace;
      const { search, upTo, view } = await this.#prepare(parsed);
      return { view, found: this.#search(search, { after: startOf(search, upTo), upTo }, parsed.signal) };
    });
    for await (const each of found) {
      // The caller may have lost the permission on another node since the export began.
      const reached = this.#reached(query);
      if (reached !== undefined) await reached;
      const entry = view.exportedEntry(each);
      if (entry !== undefined) yield entry;
    }
  }

  async #page(query: ParsedQuery, refreshers: WeakMap<AuditEntry, () => AuditEntry | undefined>): Promise<AuditPage> {
    const { search, upTo, view } = await this.#prepare(query);
    const { limit = defaultLimit, cursor, signal } = query;
    const binding = this.#binding(query);
    const firstPage = { after: startOf(search, upTo), upTo };
    const range = cursor === undefined ? firstPage : this.#engine.auditCursors.decrypt(cursor, binding);
    const after: Record<AuditChainName, number> = { ...range.after };
    const items: AuditEntry[] = [];
    let named = 0;
    for await (const found of this.#search(search, range, signal)) {
      const entry = view.entry(found);
      if (entry !== undefined && (items.length === limit || named >= maxNamedMemories)) {
        return { items, nextCursor: this.#engine.auditCursors.encrypt({ after, upTo: range.upTo }, binding) };
      }
      after[found.chain] = found.entry.seq;
      if (entry === undefined) continue;
      items.push(entry);
      named += entry.memories.length;
      refreshers.set(entry, () => view.entry(found));
    }
    return { items };
  }

  /** Checks that the caller may audit. Then fixes where the search ends, so that it does not find entries that are added later. */
  async #prepare(query: ParsedQuery): Promise<PreparedQuery> {
    const reached = this.#reached(query);
    if (reached !== undefined) await reached;
    // Loads changes that another process has written.
    this.#engine.reading();
    const { state, model, audit } = this.#engine;
    assertMayAudit(state, this.#caller);
    await whileBusy(() => audit.synchronize());
    // The rules may have changed during the wait.
    assertMayAudit(state, this.#caller);
    const { id, userId, by, action, decision, since, until, order = 'newest', within } = query;
    const aboutUser = userId === undefined ? undefined : model.idsAbout(userId);
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

  /** Resolves when a read may begin. Undefined if it may now. */
  #reached({ signal }: Pick<ParsedQuery, 'signal'>): Promise<void> | undefined {
    return this.#engine.levels.reached({ signal }, this.#caller.actor);
  }

  #parse(query: unknown): ParsedQuery {
    const parsed = parse(this.#engine.shapes.auditQuery, query, 'query');
    parsed.signal?.throwIfAborted();
    return parsed;
  }

  /** Describes the actor, scope and query as one text. A cursor is valid only together with the same text. */
  #binding({ limit: _, cursor: __, signal: ___, ...query }: ParsedQuery): string {
    const { actor, scope } = this.#caller;
    return JSON.stringify([actor, scope, query]);
  }
}

/** The whole audit, for the host program. */
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
      return whileBusy(() => this.#engine.audit.checkpoint());
    });
  }

  retain(options: { since: Time }): Promise<{ dropped: number }> {
    return this.#calls.write('audit.retain', async () => {
      const context = this.#engine.writing();
      const { since } = parse(this.#engine.shapes.auditRetainOptions, options, 'options');
      const { audit } = this.#engine;
      const access = await whileBusy(() => audit.retain(since, context.clock.now()));
      const { chain } = audit.logs.changes;
      const covered = Math.min(chain.endOfSegmentsBefore(since), audit.checkpoints.checkpointedSize('changes'));
      const upTo = covered - (covered % segmentLength);
      if (chain.after(0, 1).every(({ seq }) => seq > upTo)) return { dropped: access };
      const { dropped } = await submit(context, this.#caller, { type: 'retain', upTo });
      return { dropped: access + dropped };
    });
  }
}
