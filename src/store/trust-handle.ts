import { createHash } from 'node:crypto';
import { noSuchMemory } from '../access/denials';
import type { Policy } from '../access/policy';
import { searchChains, startOf } from '../audit/search';
import type { Anomaly, AnomalyOptions } from '../domain/anomaly';
import type { CallOptions } from '../domain/calls';
import type { RestoredText } from '../domain/command';
import { isCeiling, type RuleInForce, type StoredDeclaration, toRuleInForce } from '../domain/declaration';
import { defined } from '../domain/defined';
import { MemoryError } from '../domain/errors';
import type { Incident, IncidentSelection, Influence, InfluencedRead, RevertResult } from '../domain/incident';
import type { Memory, SourceChannel } from '../domain/memory';
import { contains, type Namespace } from '../domain/namespace';
import { parse, parseAll } from '../domain/parse/shapes';
import { type Actor, type Principal, partiesOf, principalOf } from '../domain/principal';
import type { Caller } from '../domain/scope';
import type { Scope } from '../domain/selection';
import { type MinTrust, type Trust, trustOfLevel } from '../domain/trust';
import type { Environment } from '../environment/environment';
import { nextTurn } from '../environment/timers';
import { whileBusy } from '../environment/while-busy';
import { toMemory } from '../recall/recheck';
import type { ScreeningVerdict } from '../screening/screener';
import { needsVectors } from '../state/apply/apply-revert';
import { lower, untrusted } from '../state/apply/trust';
import { incidentFrom, incidentOf } from '../state/queries/incident-view';
import { revertPlan } from '../state/queries/revert-plan';
import type { IncidentRow } from '../state/tables/incidents';
import type { MemoryRow } from '../state/tables/memory-row';
import { forgetAll } from '../write/forget';
import type { ScreeningGate } from '../write/screening-gate';
import { isOutdated, submit } from '../write/submit';
import { AuditView } from './audit-view';
import type { AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';
import type { MemoryHandle, MemoryPage } from './memory-handle';

/** Options of `TrustHandle.contain`. */
export interface ContainOptions extends CallOptions {
  /** Only says what would be contained, and changes nothing. The `id` of the result is then empty. Default: false. */
  dryRun?: boolean;
  /** Also contains the memories that depend on the selected ones. Default: true. */
  derived?: boolean;
}

/** Options of `TrustHandle.quarantined`. */
export interface QuarantinedOptions extends CallOptions, Scope {
  /** The number of memories on a page, from 1 to 1,000. Default: 100. */
  limit?: number;
  /** The `nextCursor` of the page before. */
  cursor?: string;
}

/** The statement of a principal that the content of a memory may be relied on: see `MemoryHandle.endorse`. */
export interface MemoryEndorsement {
  by: Principal;
  as: Trust;
  at: Date;
  /** The revision that it made. */
  revision: number;
}

/** The result of `TrustHandle.explain`. */
export interface TrustExplanation extends Influence {
  /** The memory, with its trust and its origin. */
  memory: Memory;
  /** The declared ceilings that apply to its author, to those who changed it, and to its channel. */
  ceilings: RuleInForce[];
  /** The principals that changed it, apart from its author. */
  contributors: Principal[];
  /** Who vouches for its content, since when, and from which revision on. */
  endorsements: MemoryEndorsement[];
  /** The memories that it was made from. Its trust is never higher than theirs. */
  sources: Memory[];
  /** The ids of the incidents that hold it. */
  incidents: string[];
  /**
   * What the screener says about its text now. Absent if the option `screening` is 'off', and 'failed' if the screener fails.
   */
  verdict?: (ScreeningVerdict & { screener: string }) | 'failed';
}

/**
 * What the host does about memories that it does not trust. Contained memories are in quarantine: nobody but the host can read them, and
 * to everybody else they seem not to exist. Every call is recorded in the audit.
 *
 * Every change throws INVALID_INPUT, STORE_READ_ONLY, DISK_FULL and OVERLOADED.
 */
export interface TrustHandle {
  /**
   * Puts memories into quarantine: those that match the selection, and those that depend on them. These are memories that were made from
   * them, or that superseded them, directly or through others. What the host wrote in the place of a memory is not contained. Sources
   * of a contained fact are returned by ordinary reads again. It is one change: all of it happens, or nothing.
   */
  contain(selection: IncidentSelection, options?: ContainOptions): Promise<Incident>;
  /**
   * Gives memories the state again that they had before they were contained.
   *
   * @param target The id of an incident, or the ids of memories. A memory that another incident holds too stays in quarantine if the
   * incident is given, and leaves it if its own id is given.
   * @returns the ids of the memories that are out of quarantine
   * @throws NOT_FOUND for an unknown incident
   */
  release(target: string | readonly string[], options?: CallOptions & { reason?: string }): Promise<string[]>;
  /**
   * Undoes what the principals of an incident did to memories of others: updates, shares and supersedes. Also restores what contained
   * memories superseded. A memory gets the revision again that it had before. If somebody else changed it since, it stays as it is and
   * is listed as a conflict.
   *
   * @throws NOT_FOUND for an unknown incident; EMBEDDER_MISSING, EMBEDDING_FAILED
   */
  revert(incident: string, options?: CallOptions & { dryRun?: boolean }): Promise<RevertResult>;
  /**
   * Tells what a memory, or the memories of an incident, may have influenced.
   *
   * @param target The id of a memory or of an incident.
   * @throws NOT_FOUND
   */
  influence(target: string, options?: CallOptions): Promise<Influence>;
  /**
   * Explains the trust of a memory: the ceilings that apply to it, what it was made from, who changed it, which incidents hold it, and what
   * it may have influenced.
   *
   * @throws NOT_FOUND
   */
  explain(id: string, options?: CallOptions): Promise<TrustExplanation>;
  /** Reads a page of the memories in quarantine: contained ones, and what is untrusted because of a ceiling or of a screener. */
  quarantined(options?: QuarantinedOptions): Promise<MemoryPage>;
  /** Forgets memories for good, wherever they are held. Returns the ids of those that were forgotten. */
  reject(ids: readonly string[], options?: CallOptions): Promise<string[]>;
  /**
   * Finds what is unusual about the writes since a time, the oldest first: many in a minute, most of a namespace from one source, a first
   * write far from home, and near-copies. It only flags: pass the `ids` to `contain`, or the principal, after a look. What the host wrote and what is
   * in quarantine is left out. It looks at the newest 200,000 memories, for copies at the newest 20,000 since then.
   */
  anomalies(options?: AnomalyOptions): Promise<Anomaly[]>;
  /** Lists all incidents, the oldest first. */
  incidents(options?: CallOptions): Promise<Incident[]>;
}

/** The parts of the store that a `TrustHandle` needs. */
export type TrustHandleDeps = Pick<
  Engine,
  'state' | 'environment' | 'audit' | 'shapes' | 'levels' | 'reading' | 'writing'
> & {
  /** Undefined if the store does not screen new texts. */
  readonly screening: ScreeningGate | undefined;
};

const dayMs = 24 * 60 * 60 * 1000;
/** At most this many ids of a call for anomalies are in the audit. */
const maxAnomalousIds = 1_000;

/** At most this many memories that a reader wrote afterwards are listed. */
const maxWrittenAfter = 100;

/** The `TrustHandle` of the host. */
export class StoreTrust implements TrustHandle {
  readonly #engine: TrustHandleDeps;
  readonly #calls: AuditedCalls;
  readonly #caller: Caller;
  readonly #admin: Pick<MemoryHandle, 'list'>;

  constructor(engine: TrustHandleDeps, calls: AuditedCalls, caller: Caller, admin: Pick<MemoryHandle, 'list'>) {
    this.#engine = engine;
    this.#calls = calls;
    this.#caller = caller;
    this.#admin = admin;
  }

  contain(selection: IncidentSelection, options: ContainOptions = {}): Promise<Incident> {
    const parsed = () => {
      const { shapes } = this.#engine;
      const [selected, call] = parseAll(
        [shapes.incidentSelection, selection, ['selection']],
        [shapes.containOptions, options, ['options']],
      );
      call.signal?.throwIfAborted();
      const { dryRun = false, derived = true } = call;
      return { selected, dryRun, derived };
    };
    if (options?.dryRun === true) {
      return this.#calls.read('trust.contain', async (target) => {
        const { selected, derived } = parsed();
        await this.#engine.levels.reached({}, this.#caller.actor);
        const { state, environment } = this.#engine;
        const incident = this.#engine.reading().snapshot(() => {
          const containment = state.containment.contained(selected, derived);
          return incidentFrom(state, containment, environment.clock.now());
        });
        target.ids = incident.memories.map(({ id }) => id);
        return incident;
      });
    }
    return this.#calls.change('contain', async () => {
      const context = this.#engine.writing();
      const { selected, derived } = parsed();
      const at = context.clock.now();
      const id = newIncidentId(this.#engine.environment, at, selected);
      const change = { type: 'contain' as const, incident: id, selection: selected, derived };
      return (await submit(context, this.#caller, change, at)).incident;
    });
  }

  release(target: string | readonly string[], options: CallOptions & { reason?: string } = {}): Promise<string[]> {
    return this.#calls.change('release', async () => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsed, { reason, signal }] = parseAll(
        [shapes.releaseTarget, target, ['target']],
        [shapes.releaseOptions, options, ['options']],
      );
      signal?.throwIfAborted();
      const what = typeof parsed === 'string' ? { incident: parsed } : { ids: parsed };
      const { released } = await submit(context, this.#caller, { type: 'release', ...what, ...defined({ reason }) });
      return typeof parsed === 'string' ? [...released] : [...released, ...(await this.#vouchFor(parsed))];
    });
  }

  revert(incident: string, options: CallOptions & { dryRun?: boolean } = {}): Promise<RevertResult> {
    const parsed = () =>
      parseAll([this.#engine.shapes.id, incident, ['incident']], [this.#engine.shapes.revertOptions, options]);
    if (options?.dryRun === true) {
      return this.#calls.read('trust.revert', async (target) => {
        const [id] = parsed();
        await this.#engine.levels.reached({}, this.#caller.actor);
        const { restorations, conflicts } = this.#planOf(id);
        target.ids = restorations.map(({ record }) => record.id);
        const restored = restorations.map(({ record }) => ({ id: record.id, revision: record.revision + 1 }));
        return { restored, conflicts: [...conflicts] };
      });
    }
    return this.#calls.change('revert', async () => {
      const context = this.#engine.writing();
      const [id, { signal }] = parsed();
      for (;;) {
        signal?.throwIfAborted();
        const needed = this.#planOf(id).restorations.filter(needsVectors);
        const vectors = await context.embedder.documents(
          needed.map(({ before }) => before.text),
          defined({ signal }),
        );
        const texts = needed.map(({ record }, i): RestoredText => {
          return { id: record.id, revision: record.revision, ...defined({ vectors: vectors[i] }) };
        });
        try {
          return (await submit(context, this.#caller, { type: 'revert', incident: id, texts })).reverted;
        } catch (error) {
          if (!isOutdated(context, vectors[0], error)) throw error;
        }
      }
    });
  }

  influence(target: string, options: CallOptions = {}): Promise<Influence> {
    return this.#calls.read('trust.influence', async (called) => {
      const { shapes, state } = this.#engine;
      const [id, { signal }] = parseAll([shapes.id, target, ['target']], [shapes.callOptions, options]);
      await this.#engine.levels.reached(defined({ signal }), this.#caller.actor);
      const context = this.#engine.reading();
      const { ids, derived } = context.snapshot(() => {
        const roots = this.#rowsOf(id);
        const memories = state.containment.derivedFrom(roots.map(({ row }) => row));
        return {
          ids: roots.map((root) => root.id),
          derived: memories.map((each) => toMemory(context, this.#caller, each)),
        };
      });
      called.ids = ids;
      return { derived, readBy: await this.#readers(ids, signal) };
    });
  }

  explain(id: string, options: CallOptions = {}): Promise<TrustExplanation> {
    return this.#calls.read('trust.explain', async (target) => {
      const { shapes } = this.#engine;
      const [parsed, { signal }] = parseAll([shapes.id, id, ['id']], [shapes.callOptions, options]);
      target.ids = [parsed];
      await this.#engine.levels.reached(defined({ signal }), this.#caller.actor);
      const found = this.#engine.reading().snapshot(() => this.#explained(parsed));
      const verdict = defined({ verdict: await this.#verdictOn(found.memory.text, defined({ signal })) });
      return { ...found, ...verdict, readBy: await this.#readers([parsed], signal) };
    });
  }

  quarantined(options: QuarantinedOptions = {}): Promise<MemoryPage> {
    return this.#calls.read('trust.quarantined', async () => {
      const { signal, ...parsed } = parse(this.#engine.shapes.quarantinedOptions, options, 'options');
      return await this.#admin.list({
        ...defined({ ...parsed, signal }),
        include: ['quarantined'],
        filter: { trust: 'untrusted' },
      });
    });
  }

  reject(ids: readonly string[], options: CallOptions = {}): Promise<string[]> {
    return this.#calls.change('release', async () => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsed, { signal }] = parseAll([shapes.ids, ids, ['ids']], [shapes.callOptions, options]);
      const forgotten = await forgetAll(context, this.#caller, parsed, { signal });
      // The incidents hold them no more.
      await submit(context, this.#caller, { type: 'release', ids: parsed });
      return forgotten;
    });
  }

  incidents(options: CallOptions = {}): Promise<Incident[]> {
    return this.#calls.read('trust.incidents', async () => {
      const { signal } = parse(this.#engine.shapes.callOptions, options, 'options');
      await this.#engine.levels.reached(defined({ signal }), this.#caller.actor);
      const { state } = this.#engine;
      return this.#engine.reading().snapshot(() => state.incidents.all().map((each) => incidentOf(state, each)));
    });
  }

  anomalies(options: AnomalyOptions = {}): Promise<Anomaly[]> {
    return this.#calls.read('trust.anomalies', async (target) => {
      const { shapes, environment } = this.#engine;
      const { since, signal } = parse(shapes.anomalyOptions, options, 'options');
      await this.#engine.levels.reached(defined({ signal }), this.#caller.actor);
      const { findAnomalies } = await import('../recall/anomalies');
      const from = since ?? environment.clock.now() - dayMs;
      const found = await findAnomalies(this.#engine.reading(), from, signal);
      target.ids = [...new Set(found.flatMap(({ ids }) => ids))].slice(0, maxAnomalousIds);
      return found;
    });
  }

  async #verdictOn(text: string, call: CallOptions): Promise<TrustExplanation['verdict']> {
    const { screening } = this.#engine;
    if (screening === undefined) return undefined;
    const verdict = await screening.verdictOn(text, call);
    return verdict === undefined ? 'failed' : { ...verdict, screener: screening.screener.name };
  }

  /**
   * Vouches for memories whose stored trust is 'untrusted' although their writers are trusted: what a screener has put into quarantine.
   * Returns the ids of those that were in quarantine.
   */
  async #vouchFor(ids: readonly string[]): Promise<string[]> {
    const { state } = this.#engine;
    const vouched: string[] = [];
    for (const id of ids) {
      const record = state.records.unchecked(id);
      if (record === undefined || record.state !== 'active' || state.trustOf(record) !== untrusted) continue;
      const { namespace } = state.interning.labelSet(record.label_set);
      const ofAuthor = state.policy.ceilingOf(state.interning.actor(record.author), namespace);
      const as = lower(ofAuthor, state.policy.channelCeiling(record.source_channel as SourceChannel, namespace));
      if (as === untrusted) continue;
      const change = { type: 'endorse' as const, id, as: trustOfLevel(as) as MinTrust };
      await submit(this.#engine.writing(), this.#caller, change);
      vouched.push(id);
    }
    return vouched;
  }

  #explained(id: string): Omit<TrustExplanation, 'readBy' | 'verdict'> {
    const context = this.#engine.reading();
    const { records, interning, contributors, endorsements, derivations, incidents, containment, policy } =
      this.#engine.state;
    const record = records.unchecked(id);
    if (record === undefined) throw noSuchMemory(id);
    const memoryOf = (row: MemoryRow) => toMemory(context, this.#caller, row);
    const changers = contributors.ofRow(record.row).map((actor) => interning.actor(actor));
    const { namespace } = interning.labelSet(record.label_set);
    const writers = [interning.actor(record.author), ...changers];
    const numbers = new Set(incidents.ofRow(record.row).map(({ incident }) => incident));
    return {
      memory: memoryOf(record),
      ceilings: ceilingsFor(policy, writers, record.source_channel, namespace).map(toRuleInForce),
      contributors: changers.map(principalOf),
      endorsements: endorsements.ofRow(record.row).map(({ actor, trust, at, revision }) => {
        return { by: principalOf(interning.actor(actor)), as: trustOfLevel(trust), at: new Date(at), revision };
      }),
      sources: derivations
        .ofRow(record.row)
        .flatMap(({ source }) => records.intactByRow(source) ?? [])
        .map(memoryOf),
      incidents: incidents.all().flatMap((each) => (numbers.has(each.number) ? [each.id] : [])),
      derived: containment.derivedFrom([record.row]).map(memoryOf),
    };
  }

  #planOf(id: string) {
    const { state } = this.#engine;
    return this.#engine.reading().snapshot(() => revertPlan(state, this.#incident(id)));
  }

  #incident(id: string): IncidentRow {
    const found = this.#engine.state.incidents.byId(id);
    if (found !== undefined) return found;
    throw new MemoryError(
      'NOT_FOUND',
      `Incident ${JSON.stringify(id)} was not found. List all with trust.incidents().`,
    );
  }

  /** The memories of an incident, or one memory. */
  #rowsOf(id: string): { row: number; id: string }[] {
    const { incidents, records } = this.#engine.state;
    const incident = incidents.byId(id);
    if (incident !== undefined) {
      const lines = incidents.ofIncident(incident.number).filter(({ reason }) => reason !== 'returned');
      return lines.flatMap(({ row }) => records.intactByRow(row) ?? []);
    }
    const record = records.unchecked(id);
    if (record === undefined) throw noSuchMemory(id);
    return [record];
  }

  /** Each principal that was given one of the memories, with its first read. */
  async #readers(ids: readonly string[], signal: AbortSignal | undefined): Promise<Influence['readBy']> {
    const { audit, state, shapes } = this.#engine;
    if (audit.reads === 'off') return 'unknown';
    await whileBusy(() => audit.synchronize());
    const { changes, access } = audit.logs;
    const search = { ids, decision: 'allowed', order: 'oldest' } as const;
    const upTo = { changes: 0, access: access.chain.size };
    const range = { after: { ...startOf(search, upTo), changes: changes.chain.size }, upTo };
    const found = searchChains(audit.logs, search, range, async () => {
      signal?.throwIfAborted();
      await nextTurn();
    });
    const view = new AuditView(this.#engine, this.#caller, [], ids);
    const first = new Map<string, InfluencedRead>();
    for await (const each of found) {
      const entry = view.entry(each);
      if (entry?.by === undefined || each.entry.party === 'root') continue;
      const key = JSON.stringify(entry.by);
      if (first.has(key)) continue;
      const actor = state.interning.findActor(shapes.principal.parse(entry.by));
      const wroteAfter =
        actor === undefined ? [] : state.containment.writtenAfter(actor, each.entry.changeSeq, maxWrittenAfter);
      first.set(key, { by: entry.by, at: entry.at, wroteAfter });
    }
    return [...first.values()];
  }
}

/** The ceilings in force that apply to some actors, or to a channel, in a namespace. */
function ceilingsFor(
  policy: Policy,
  actors: readonly Actor[],
  channel: string,
  namespace: Namespace,
): StoredDeclaration[] {
  const ofActors = actors
    .flatMap(partiesOf)
    .flatMap((party) => policy.rulesFor(party).flatMap(({ declared }) => declared));
  const ofChannel = [...policy.declared.values()].filter(
    ({ declaration }) =>
      isCeiling(declaration) &&
      typeof declaration.to === 'object' &&
      'channel' in declaration.to &&
      declaration.to.channel === channel,
  );
  const applying = new Set([...ofActors, ...ofChannel]);
  return [...applying].filter(({ declaration }) => isCeiling(declaration) && contains(declaration.at, namespace));
}

/** Makes an id for an incident. With fixed randomness, a test gets the same ids in every run. */
function newIncidentId({ randomBytes }: Pick<Environment, 'randomBytes'>, at: number, selection: object): string {
  const hash = createHash('sha256')
    .update(randomBytes(16))
    .update(JSON.stringify([at, selection]));
  return `incident-${hash.digest('hex').slice(0, 16)}`;
}
