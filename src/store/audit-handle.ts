import type { KeyObject } from 'node:crypto';
import type { AuditChainName, AuditDecision } from '../audit/chain-entry';
import { type Checkpoint, publicKeyOf } from '../audit/checkpoint';
import { segmentLength } from '../audit/merkle';
import { type AuditSearch, type ChainPositions, searchChains, startOf } from '../audit/search';
import { type AuditVerification, verifyAudit } from '../audit/verify-audit';
import type { CallOptions, LongCallOptions, Time } from '../domain/calls';
import type { Namespace } from '../domain/namespace';
import { parse } from '../domain/parse/parse';
import type { Principal } from '../domain/principal';
import { type Caller, emptyScope, narrowNamespace } from '../domain/scope';
import { nextTurn, startStopwatch } from '../environment/timers';
import { submit } from '../write/submit';
import { type AuditEntry, AuditView, assertAudits, type ExportedAuditEntry } from './audit-view';
import type { AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';
import { ListQuery } from './list-query';

/** Which entries of the audit. */
export interface AuditQuery extends CallOptions {
  /** Those that name this memory. */
  id?: string;
  /** Entries that name a memory that is or was about this user. Forgotten memories are included. */
  userId?: string;
  /** Entries of this principal, as the actor or as the user on whose behalf. With `onBehalfOf`: entries of exactly this pair. */
  by?: Principal;
  /** The name of a call, such as 'get', 'recall' or 'remember'. */
  action?: string | readonly string[];
  decision?: AuditDecision;
  /** Entries about this namespace and the namespaces below it. */
  within?: Namespace;
  /** The earliest time. */
  since?: Time;
  /** The time before which entries must be. */
  until?: Time;
  /** Entries in a page. Default: 100; at most 1,000. */
  limit?: number;
  /** The `nextCursor` of an earlier page of the same query. */
  cursor?: string;
  /** Default: 'newest'. */
  order?: 'newest' | 'oldest';
}

/** One page of entries. The last page has no `nextCursor`. */
export interface AuditPage {
  items: AuditEntry[];
  nextCursor?: string;
}

/** The audit as a principal with the action `audit` sees it: the entries about the namespaces where it has that action. Queries are audited too. */
export interface AuditHandle {
  /**
   * Finds entries of allowed and refused calls. Await it for the first page; iterate it for all entries until now.
   *
   * @throws FORBIDDEN, INVALID_INPUT, INVALID_CURSOR
   */
  query(question?: AuditQuery): PromiseLike<AuditPage> & AsyncIterable<AuditEntry>;
  /** Like `query`. An entry that the principal may see as a whole has its hash, and the body that the hash covers. */
  export(question?: Omit<AuditQuery, 'limit' | 'cursor'>): AsyncIterable<ExportedAuditEntry>;
}

/** What `verify` compares the audit with. */
export interface AuditVerifyOptions extends LongCallOptions {
  /** Checkpoints of either chain that were kept outside the folder. */
  head?: Checkpoint | readonly Checkpoint[];
  /** The Ed25519 public key of the signing key, as a KeyObject or PEM. Heads without its signature are rejected. */
  publicKey?: KeyObject | string;
}

/** The audit of the whole store, for the host. */
export interface StoreAudit extends AuditHandle {
  /**
   * Computes both chains from their entries, and finds every change of an entry that a head covers. Without heads the result has
   * `anchored: false`: an attacker who can write the files can rewrite the chains unnoticed.
   *
   * @throws INVALID_INPUT for a head that is not a checkpoint of this store, or is not signed with the key
   */
  verify(options?: AuditVerifyOptions): Promise<AuditVerification>;
  /** Returns a checkpoint of each chain as it is now. Keep it outside the folder. */
  checkpoint(): Promise<Checkpoint[]>;
  /** Drops the entries before `since`, in whole segments of 1,024 entries that a checkpoint covers. The roots of the segments stay. */
  retain(options: { since: Time }): Promise<{ dropped: number }>;
}

const defaultLimit = 100;

/** The audit as one principal may see it, inside one scope. */
export class PrincipalAudit implements AuditHandle {
  readonly #engine: Engine;
  readonly #calls: AuditedCalls;
  readonly #caller: Caller;

  constructor(engine: Engine, calls: AuditedCalls, caller: Caller) {
    this.#engine = engine;
    this.#calls = calls;
    this.#caller = caller;
  }

  query(question: AuditQuery = {}): ListQuery<AuditEntry, AuditPage> {
    const again = new WeakMap<AuditEntry, () => AuditEntry | undefined>();
    return new ListQuery(
      (cursor) =>
        this.#calls.read('audit.query', (asked) => {
          const given = this.#parse(cursor === undefined ? question : { ...question, cursor });
          asked.namespace = given.within ?? asked.namespace;
          return this.#page(given, again);
        }),
      { version: () => this.#engine.version(), current: (entry) => again.get(entry)?.() },
    );
  }

  async *export(question: Omit<AuditQuery, 'limit' | 'cursor'> = {}): AsyncGenerator<ExportedAuditEntry> {
    const { found, view } = await this.#calls.read('audit.export', (asked) => {
      const given = this.#parse(question);
      asked.namespace = given.within ?? asked.namespace;
      const { asked: wanted, upTo, view } = this.#begin(given);
      return { view, found: this.#search(wanted, { after: startOf(wanted, upTo), upTo }, given.signal) };
    });
    for await (const each of found) {
      const shown = view.export(each);
      if (shown !== undefined) yield shown;
    }
  }

  async #page(given: ParsedQuery, again: WeakMap<AuditEntry, () => AuditEntry | undefined>): Promise<AuditPage> {
    const { asked, upTo: now, view } = this.#begin(given);
    const { limit = defaultLimit, cursor, signal } = given;
    const binding = this.#binding(given);
    const begin = { after: startOf(asked, now), upTo: now };
    const range = cursor === undefined ? begin : this.#engine.auditCursors.decrypt(cursor, binding);
    const after: Record<AuditChainName, number> = { ...range.after };
    const items: AuditEntry[] = [];
    for await (const found of this.#search(asked, range, signal)) {
      const shown = view.show(found);
      if (shown !== undefined && items.length === limit) {
        return { items, nextCursor: this.#engine.auditCursors.encrypt({ after, upTo: range.upTo }, binding) };
      }
      after[found.chain] = found.entry.seq;
      if (shown === undefined) continue;
      items.push(shown);
      again.set(shown, () => view.show(found));
    }
    return { items };
  }

  /** Who may not look is told first; then everything until now is looked at, and nothing that comes later. */
  #begin(given: ParsedQuery): { asked: AuditSearch; upTo: ChainPositions; view: AuditView } {
    this.#engine.reading();
    const { state, audit } = this.#engine;
    assertAudits(this.#engine, this.#caller);
    audit.synchronize();
    const { id, userId, by, action, decision, since, until, order = 'newest', within } = given;
    const about = userId === undefined ? undefined : state.subjects.idsAbout(userId);
    const ids = id === undefined ? about : about === undefined || about.includes(id) ? [id] : [];
    const actions = action === undefined ? undefined : new Set(typeof action === 'string' ? [action] : action);
    const narrowed = narrowNamespace(this.#caller.scope.namespace, within);
    const inside = narrowed === emptyScope ? undefined : (narrowed ?? []);
    const { changes, access } = audit.logs;
    return {
      asked: { ids: inside === undefined ? [] : ids, by, actions, decision, since, until, order },
      upTo: { changes: changes.chain.size, access: access.chain.size },
      view: new AuditView(this.#engine, this.#caller, inside ?? [], ids),
    };
  }

  #search(asked: AuditSearch, range: { after: ChainPositions; upTo: ChainPositions }, signal: AbortSignal | undefined) {
    const betweenBatches = async () => {
      signal?.throwIfAborted();
      await nextTurn();
    };
    return searchChains(this.#engine.audit.logs, asked, range, betweenBatches);
  }

  #parse(question: unknown): ParsedQuery {
    const given = parse(this.#engine.shapes.auditQuery, question, 'question');
    given.signal?.throwIfAborted();
    return given;
  }

  #binding({ limit: _, cursor: __, signal: ___, ...question }: ParsedQuery): string {
    const { actor, scope } = this.#caller;
    return JSON.stringify([actor, scope, question]);
  }
}

type ParsedQuery = ReturnType<Engine['shapes']['auditQuery']['parse']>;

/** The audit of the host: root, who may do everything. */
export class RootAudit extends PrincipalAudit implements StoreAudit {
  readonly #engine: Engine;
  readonly #calls: AuditedCalls;
  readonly #caller: Caller;

  constructor(engine: Engine, calls: AuditedCalls, caller: Caller) {
    super(engine, calls, caller);
    this.#engine = engine;
    this.#calls = calls;
    this.#caller = caller;
  }

  verify(options: AuditVerifyOptions = {}): Promise<AuditVerification> {
    return this.#calls.read('audit.verify', () => {
      const given = parse(this.#engine.shapes.auditVerifyOptions, options, 'options');
      const { head = [], publicKey, signal, onProgress } = given;
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
