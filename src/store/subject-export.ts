import { mayIn } from '../access/authorise';
import { maySeeDeclaration } from '../access/rule-administration';
import { searchChains, startOf } from '../audit/search';
import type { RuleInForce } from '../domain/declaration';
import type { Memory } from '../domain/memory';
import { contains } from '../domain/namespace';
import type { Principal } from '../domain/principal';
import { type Caller, copyOfScope } from '../domain/scope';
import type {
  ExportedRetention,
  ExportedRevision,
  ExportedSubjectMemory,
  ExportLine,
  MemoryRecipient,
  SubjectExportCounts,
} from '../domain/subject-export';
import { nextTurn } from '../environment/timers';
import { whileBusy } from '../environment/while-busy';
import { history } from '../recall/changes';
import { linkedIds } from '../recall/derivations';
import { findRecord } from '../recall/get';
import { namespaces } from '../recall/list';
import type { ReadContext } from '../recall/read-context';
import { mayLearnId, toMemory } from '../recall/recheck';
import { planErasure } from '../state/queries/erasure-plan';
import type { MemoryRow } from '../state/tables/memory-row';
import type { AccessHandle } from './access-handle';
import { AuditView } from './audit-view';
import type { AuditedCalls, AuditedCallsDeps } from './audited-calls';
import type { Engine } from './composition/engine';

export type SubjectExportDeps = AuditedCallsDeps & Pick<Engine, 'state' | 'reading' | 'levels' | 'version' | 'audit'>;

export interface SubjectExportRequest {
  readonly userId: string;
  readonly others: 'pseudonyms' | 'named';
  readonly signal: AbortSignal | undefined;
}

type Recipients = ReadonlyMap<string, readonly MemoryRecipient[]>;

interface ExportParts {
  readonly calls: AuditedCalls;
  readonly caller: Caller;
  readonly access: Pick<AccessHandle, 'list'>;
}

interface Found {
  /** Ids of memories. The caller may not read all of them. */
  readonly about: readonly string[];
  readonly by: readonly string[];
  readonly recipients: Recipients;
}

/** One export of all that a caller may read about a user. Each memory is checked and recorded in the audit before its line leaves. */
export class SubjectExport {
  readonly #engine: SubjectExportDeps;
  readonly #calls: AuditedCalls;
  readonly #caller: Caller;
  readonly #access: Pick<AccessHandle, 'list'>;
  readonly #request: SubjectExportRequest;
  readonly #names: OtherNames;
  #found: Found = { about: [], by: [], recipients: new Map() };
  readonly #counts: SubjectExportCounts = { memories: 0, revisions: 0, rules: 0, namespaces: 0 };

  private constructor(
    engine: SubjectExportDeps,
    { calls, caller, access }: ExportParts,
    request: SubjectExportRequest,
  ) {
    this.#engine = engine;
    this.#calls = calls;
    this.#caller = caller;
    this.#access = access;
    this.#request = request;
    this.#names = new OtherNames(request);
  }

  /** Finds what is to be exported. */
  static async begin(
    engine: SubjectExportDeps,
    parts: ExportParts,
    request: SubjectExportRequest,
  ): Promise<SubjectExport> {
    const begun = new SubjectExport(engine, parts, request);
    begun.#found = await begun.#find();
    return begun;
  }

  async *lines(): AsyncGenerator<ExportLine> {
    const { userId, others } = this.#request;
    const { environment, audit } = this.#engine;
    const at = new Date(environment.clock.now());
    const reads = audit.reads === 'off' ? 'unknown' : 'recorded';
    const { about, by, recipients } = this.#found;
    const scope = copyOfScope(this.#caller.scope);
    yield { line: 'manifest', format: 1, subject: { userId }, at, scope, others, reads };
    for (const id of about) yield* this.#memoryLines(id, 'about', recipients);
    for (const id of by) yield* this.#memoryLines(id, 'by', recipients);
    for (const rule of await this.#rules()) {
      this.#counts.rules++;
      yield { line: 'rule', rule: this.#names.inRule(rule) };
    }
    for (const { namespace, count } of await this.#namespaces()) {
      this.#counts.namespaces++;
      yield { line: 'namespace', namespace, memories: count };
    }
    yield { line: 'end', counts: { ...this.#counts } };
  }

  /** Finds the same memories that an erasure of the user would forget, and who was given them. */
  async #find(): Promise<Found> {
    await this.#ready();
    const steps = planErasure(this.#engine.state, { userId: this.#request.userId });
    let step = steps.next();
    while (step.done !== true) {
      await this.#turn();
      step = steps.next();
    }
    const { about, by } = step.value;
    return { about, by, recipients: await this.#recipients([...about, ...by]) };
  }

  async *#memoryLines(
    id: string,
    relation: ExportedSubjectMemory['relation'],
    recipients: Recipients,
  ): AsyncGenerator<ExportLine> {
    const line = await this.#read(id, () => this.#memoryLine(id, relation, recipients));
    if (line === undefined) return;
    this.#counts.memories++;
    yield line;
    for (let from = 1; ; ) {
      const revision = await this.#read(id, () => this.#revision(id, from, line.memory.revision));
      if (revision === undefined) return;
      this.#counts.revisions++;
      yield revision;
      from = revision.revision + 1;
    }
  }

  /** Reads a line about a memory, and records it. Undefined if the caller may not read the memory, also if only since the entry was written. */
  async #read<T>(id: string, lineOf: () => Promise<T | undefined> | T | undefined): Promise<T | undefined> {
    await this.#ready();
    const version = this.#engine.version();
    const isThere = this.#engine.reading().snapshot(() => mayLearnId(this.#engine.reading(), this.#caller, id));
    // A memory that the caller may not read leaves no entry: the audit of others would tell that it is about the user.
    if (!isThere) return undefined;
    const line = await this.#calls.read(
      'exportSubject',
      () => lineOf(),
      (found) => (found === undefined ? [] : this.#calls.memoriesOf(id)),
    );
    const isUnchanged = this.#engine.version() === version;
    return isUnchanged || mayLearnId(this.#engine.reading(), this.#caller, id) ? line : undefined;
  }

  #memoryLine(
    id: string,
    relation: ExportedSubjectMemory['relation'],
    recipients: Recipients,
  ): ExportedSubjectMemory | undefined {
    const context = this.#engine.reading();
    return context.snapshot(() => {
      const record = findRecord(context, this.#caller, id);
      if (record === undefined) return undefined;
      const memory = toMemory(context, this.#caller, record);
      const isAuditable = mayIn(context.state.policy, this.#caller.actor, 'audit', memory.namespace);
      const isKnown = isAuditable && this.#engine.audit.reads !== 'off';
      const given = (recipients.get(id) ?? []).map((each) => ({ ...each, by: this.#names.inPrincipal(each.by) }));
      return {
        line: 'memory',
        relation,
        memory: this.#names.inMemory(memory),
        ...linkedIds(context, this.#caller, record),
        retention: retentionOf(context, this.#caller, record),
        receivedBy: isKnown ? given : 'unknown',
      };
    });
  }

  /** The first revision from a number on. One at a time, because each may have a text of the maximum size. */
  async #revision(id: string, fromRevision: number, latest: number): Promise<ExportedRevision | undefined> {
    if (fromRevision > latest) return undefined;
    const [found] = await history(this.#engine.reading(), this.#caller, id, { fromRevision, limit: 1 });
    if (found !== undefined) {
      const { revision, type, by, at, memory } = found;
      const isEarlier = revision < latest && memory !== undefined;
      const earlier = isEarlier ? { memory: this.#names.inMemory(memory) } : {};
      return { line: 'revision', id, revision, type, by: this.#names.inPrincipal(by), at, ...earlier };
    }
    // The caller may not read this revision, but perhaps a later one.
    return this.#revision(id, fromRevision + 1, latest);
  }

  async #rules(): Promise<RuleInForce[]> {
    const { signal } = this.#request;
    const rules: RuleInForce[] = [];
    for (let after: string | undefined; ; ) {
      const page = await this.#access.list({
        ended: true,
        limit: rulesPerPage,
        ...(signal === undefined ? {} : { signal }),
        ...(after === undefined ? {} : { after }),
      });
      rules.push(...page.filter((rule) => this.#names.isNamedIn(rule)));
      after = page.at(-1)?.id;
      if (after === undefined) return rules;
    }
  }

  async #namespaces(): Promise<{ namespace: string[]; count: number }[]> {
    const all = await this.#calls.read('namespaces', async () => {
      await this.#ready();
      const selection = { scope: {}, include: new Set<never>() };
      return namespaces(this.#engine.reading(), this.#caller, selection, { maxBytes: Number.POSITIVE_INFINITY });
    });
    return all.filter(({ namespace }) => namespace.includes(this.#request.userId));
  }

  /** Who was given each of the memories, apart from the host, as far as the caller may audit. */
  async #recipients(ids: readonly string[]): Promise<Recipients> {
    const { audit, state } = this.#engine;
    const found = new Map<string, MemoryRecipient[]>();
    const actor = this.#caller.actor;
    const isAuditable = ({ namespace }: { namespace: readonly string[] }) =>
      mayIn(state.policy, actor, 'audit', namespace);
    const auditable = audit.reads === 'off' ? [] : this.#calls.memoriesOf(...ids).filter(isAuditable);
    if (auditable.length === 0) return found;
    const asked = auditable.map(({ id }) => id);
    await whileBusy(() => audit.synchronize());
    const { changes, access } = audit.logs;
    const search = { ids: asked, decision: 'allowed', order: 'oldest' } as const;
    const upTo = { changes: 0, access: access.chain.size };
    const range = { after: { ...startOf(search, upTo), changes: changes.chain.size }, upTo };
    const view = new AuditView(this.#engine, this.#caller, [], asked);
    for await (const each of searchChains(audit.logs, search, range, () => this.#turn())) {
      const entry = view.entry(each);
      if (entry?.by === undefined || each.entry.party === 'root' || entry.action.startsWith('audit.')) continue;
      for (const { id } of entry.memories) addRead(found, id, entry.by, entry.at);
    }
    return found;
  }

  async #ready(): Promise<void> {
    const { signal } = this.#request;
    signal?.throwIfAborted();
    await this.#engine.levels.reached({ signal }, this.#caller.actor);
    // Loads changes that another process has written.
    this.#engine.reading();
  }

  async #turn(): Promise<void> {
    this.#request.signal?.throwIfAborted();
    await nextTurn();
  }
}

const rulesPerPage = 1_000;

/** How long a memory is kept, and by which retentions. */
function retentionOf({ state }: ReadContext, caller: Caller, record: MemoryRow): ExportedRetention {
  const { columns, policy, interning } = state;
  const { namespace } = interning.labelSet(record.label_set);
  const isPinned = record.pinned !== null;
  const [own, kept] = [record.expires_at ?? Number.POSITIVE_INFINITY, columns.keptUntil(record.row)];
  const until = Math.min(own, kept);
  const rules = policy.retentions.filter(
    ({ declaration }) =>
      contains(declaration.at, namespace) &&
      (declaration.kind === undefined || declaration.kind === record.kind) &&
      maySeeDeclaration(policy, caller, declaration),
  );
  return {
    ...(until === Number.POSITIVE_INFINITY
      ? {}
      : { until: new Date(until), by: own <= kept ? ('expiresAt' as const) : ('retention' as const) }),
    isPinned,
    rules: isPinned ? [] : rules.map(({ id, declaration }) => ({ ...structuredClone(declaration), id })),
  };
}

function addRead(found: Map<string, MemoryRecipient[]>, id: string, by: Principal, at: Date): void {
  const ofMemory = found.get(id) ?? [];
  found.set(id, ofMemory);
  const name = JSON.stringify(by);
  const known = ofMemory.find((each) => JSON.stringify(each.by) === name);
  if (known === undefined) ofMemory.push({ by, first: at, last: at, reads: 1 });
  else Object.assign(known, { last: at, reads: known.reads + 1 });
}

/** Names other users in an export. */
class OtherNames {
  readonly #subject: string;
  readonly #isNamed: boolean;
  readonly #codes = new Map<string, string>();

  constructor({ userId, others }: Pick<SubjectExportRequest, 'userId' | 'others'>) {
    this.#subject = userId;
    this.#isNamed = others === 'named';
  }

  inMemory(memory: Memory): Memory {
    const { userId, onBehalfOf, origin } = memory;
    return {
      ...memory,
      ...(userId === undefined ? {} : { userId: this.#user(userId) }),
      ...(onBehalfOf === undefined ? {} : { onBehalfOf: this.#user(onBehalfOf) }),
      origin: origin.onBehalfOf === undefined ? origin : { ...origin, onBehalfOf: this.#user(origin.onBehalfOf) },
    };
  }

  inPrincipal(principal: Principal): Principal {
    const named = 'userId' in principal ? { ...principal, userId: this.#user(principal.userId) } : principal;
    const { onBehalfOf } = named;
    return onBehalfOf === undefined ? named : { ...named, onBehalfOf: { userId: this.#user(onBehalfOf.userId) } };
  }

  inRule(rule: RuleInForce): RuleInForce {
    if (!('members' in rule)) return rule;
    const members = rule.members.map((each) => ('userId' in each ? { userId: this.#user(each.userId) } : each));
    return { ...rule, members };
  }

  /** Whether a declaration is for the subject, or is a group that has it as a member. */
  isNamedIn(rule: RuleInForce): boolean {
    const isSubject = (each: unknown) =>
      typeof each === 'object' && each !== null && 'userId' in each && each.userId === this.#subject;
    return 'members' in rule ? rule.members.some(isSubject) : 'to' in rule && isSubject(rule.to);
  }

  #user(userId: string): string {
    if (this.#isNamed || userId === this.#subject) return userId;
    const known = this.#codes.get(userId);
    if (known !== undefined) return known;
    const code = `person-${this.#codes.size + 1}`;
    this.#codes.set(userId, code);
    return code;
  }
}
