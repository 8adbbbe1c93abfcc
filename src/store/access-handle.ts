import { type DecisionReason, explainIn, explainMemory, mayIn } from '../access/authorise';
import { noSuchMemory } from '../access/denials';
import { coversNamespace, maySeeDeclaration } from '../access/rule-administration';
import type { CallOptions } from '../domain/calls';
import {
  type Ceiling,
  ceiling,
  clear,
  type Declaration,
  group,
  type RetentionRequest,
  type RuleInForce,
  retain,
  role,
  type StoredDeclaration,
  toRuleInForce,
} from '../domain/declaration';
import { invalidInput, MemoryError } from '../domain/errors';
import { contains, type Namespace, showNamespace } from '../domain/namespace';
import { parse, parseAll } from '../domain/parse/shapes';
import type { Principal } from '../domain/principal';
import { type Action, allow, deny, type Member, type Rule, type Subject } from '../domain/rule';
import type { Trust } from '../domain/trust';
import { findRecord } from '../recall/get';
import { memoryLabelsOf } from '../state/tables/memory-row';
import { addDeclaration, endDeclaration } from '../write/declare';
import type { Author } from '../write/write-context';
import type { AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';

/** The result of `explain`: whether the action is allowed, and why. */
export interface ExplainResult {
  allowed: boolean;
  reason: DecisionReason;
  /** The declarations that decide, if the caller may list them. */
  rules: RuleInForce[];
  /** True if the decision also depends on declarations that the caller may not list. */
  undisclosed: boolean;
}

/** The argument of `explain`. It asks whether a principal may take an action in a namespace, or on one memory. */
export type ExplainRequest = { principal: Principal; action: Action } & (
  | { namespace: Namespace; id?: never }
  | { id: string; namespace?: never }
);

/**
 * Changes and lists declarations (rules, clearances, ceilings, retentions, roles and groups) at run time. A change takes effect for the next call, and is
 * durable when its promise resolves.
 *
 * Principals can grant only what they have themselves. To make a rule or a clearance, a principal needs `administer` in its namespace,
 * and must itself have the actions or the clearance there. To make a ceiling it needs `administer`, and an own ceiling of at least
 * 'standard' that is not lower than the new one; it cannot end a ceiling that applies to itself. To make or
 * end a retention it needs `administer` and `erase`. To make a role or a group, it needs `administer` in the whole store, and
 * everything that it would need to make the rules that name the role or group.
 *
 * Every change throws INVALID_INPUT, FORBIDDEN, STORE_READ_ONLY, DISK_FULL and OVERLOADED.
 */
export interface AccessHandle {
  /** Allows a subject a role or some actions in a namespace and below. */
  allow(to: Subject, actions: Rule['actions'], at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Denies a subject a role or some actions in a namespace and below. A deny rule wins over every rule that allows. */
  deny(to: Subject, actions: Rule['actions'], at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Clears a subject for an access tag in a namespace and below. A clearance alone allows no action: see `clear`. */
  clear(to: Subject, tag: string, at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Limits the trust of what a subject writes, or of what comes through a channel, in a namespace and below: see `ceiling`. */
  ceiling(to: Ceiling['to'], trust: Trust, at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Limits how long memories are kept in a namespace and below: see `retain`. */
  retain(request: RetentionRequest, options?: CallOptions): Promise<RuleInForce>;
  /** Makes a role: a name for a set of actions. Replaces a role with the same name that was made at run time. */
  role(name: string, actions: readonly Action[], options?: CallOptions): Promise<RuleInForce>;
  /** Makes a group: a name for a set of principals. Replaces a group with the same name that was made at run time. */
  group(name: string, members: readonly Member[], options?: CallOptions): Promise<RuleInForce>;
  /**
   * Ends a declaration that was made at run time. Returns false if no declaration with this id is in force, or if the principal may
   * not see it.
   */
  end(id: string, options?: CallOptions): Promise<boolean>;
  /**
   * Lists the declarations in force that the principal may administer, oldest first.
   *
   * - `within`: lists only declarations about this namespace and those below it. Default: all.
   * - `ended`: also lists declarations that were ended. Default: false.
   * - `limit`: lists at most this many, from 1 to 1,000. The list also ends if it reaches `Limits.answerBytes`, and has at least one.
   *   Default: lists all, and a list of more than `Limits.answerBytes` is refused.
   * - `after`: the id of a declaration; lists only those made after it. Pass the last id of a list to read on, until a list is empty.
   *
   * @throws INVALID_INPUT
   */
  list(
    options?: CallOptions & { within?: Namespace; ended?: boolean; limit?: number; after?: string },
  ): Promise<RuleInForce[]>;
  /**
   * Explains whether a principal may take an action in a namespace or on a memory, and why.
   *
   * @throws INVALID_INPUT; NOT_FOUND for a memory that the caller may not read; FORBIDDEN if the caller lacks `administer` in the
   * namespace
   */
  explain(request: ExplainRequest, options?: CallOptions): Promise<ExplainResult>;
}

/** The parts of the store that an `AccessHandle` needs. */
export type AccessHandleDeps = Pick<Engine, 'state' | 'environment' | 'shapes' | 'levels' | 'reading' | 'writing'>;

/** Lets one caller see and change the declarations that it may administer. */
export class PrincipalAccess implements AccessHandle {
  readonly #engine: AccessHandleDeps;
  readonly #calls: AuditedCalls;
  readonly #caller: Author;

  constructor(engine: AccessHandleDeps, calls: AuditedCalls, caller: Author) {
    this.#engine = engine;
    this.#calls = calls;
    this.#caller = caller;
  }

  allow(to: Subject, actions: Rule['actions'], at: Namespace, options?: CallOptions): Promise<RuleInForce> {
    return this.#add(allow(to, actions, at), options);
  }

  deny(to: Subject, actions: Rule['actions'], at: Namespace, options?: CallOptions): Promise<RuleInForce> {
    return this.#add(deny(to, actions, at), options);
  }

  clear(to: Subject, tag: string, at: Namespace, options?: CallOptions): Promise<RuleInForce> {
    return this.#add(clear(to, tag, at), options);
  }

  ceiling(to: Ceiling['to'], trust: Trust, at: Namespace, options?: CallOptions): Promise<RuleInForce> {
    return this.#add(ceiling(to, trust, at), options);
  }

  retain(request: RetentionRequest, options?: CallOptions): Promise<RuleInForce> {
    return this.#add(retain(Object(request)), options);
  }

  role(name: string, actions: readonly Action[], options?: CallOptions): Promise<RuleInForce> {
    return this.#add(role(name, actions), options);
  }

  group(name: string, members: readonly Member[], options?: CallOptions): Promise<RuleInForce> {
    return this.#add(group(name, members), options);
  }

  end(id: string, options: CallOptions = {}): Promise<boolean> {
    return this.#calls.change('end-declaration', async () => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsedId, { signal }] = parseAll([shapes.id, id, ['id']], [shapes.callOptions, options]);
      signal?.throwIfAborted();
      return endDeclaration(context, this.#caller, parsedId);
    });
  }

  list(options: Parameters<AccessHandle['list']>[0] = {}): Promise<RuleInForce[]> {
    return this.#calls.read('access.list', async (target) => {
      const parsed = parse(this.#engine.shapes.listRulesOptions, options, 'options');
      const { within = [], ended = false, limit, after, signal } = parsed;
      target.namespace = within;
      signal?.throwIfAborted();
      await this.#engine.levels.reached({ signal }, this.#caller.actor);
      // Loads changes that another process has written.
      const { limits } = this.#engine.reading();
      const { state } = this.#engine;
      // The declaration before a list may have ended since the list before it was read.
      const all = ended || after !== undefined ? state.declarations.all(true) : [...state.policy.declared.values()];
      const visible = all.filter((each) => this.#maySee(each));
      const rest = after === undefined ? visible : visible.slice(indexAfter(visible, after));
      const listed = rest.filter((each) => (ended || each.until === undefined) && isWithin(each.declaration, within));
      return thatFit(listed, limit, limits.answerBytes).map(toRuleInForce);
    });
  }

  explain(request: ExplainRequest, options: CallOptions = {}): Promise<ExplainResult> {
    return this.#calls.read('access.explain', async (target) => {
      const { shapes } = this.#engine;
      const [parsed, { signal }] = parseAll([shapes.explainRequest, request], [shapes.callOptions, options]);
      target.namespace = parsed.namespace;
      target.ids = parsed.id === undefined ? [] : [parsed.id];
      signal?.throwIfAborted();
      await this.#engine.levels.reached({ signal }, this.#caller.actor);
      const { allowed, reason, deciding } = this.#decide(parsed);
      const visible = deciding.filter((each) => this.#maySee(each));
      return { allowed, reason, rules: visible.map(toRuleInForce), undisclosed: visible.length < deciding.length };
    });
  }

  #decide({
    principal,
    action,
    id,
    namespace = [],
  }: ReturnType<AccessHandleDeps['shapes']['explainRequest']['parse']>) {
    const context = this.#engine.reading();
    const { state } = context;
    return context.snapshot(() => {
      const record = id === undefined ? undefined : findRecord(context, this.#caller, id, 'quarantined');
      if (id !== undefined && record === undefined) throw noSuchMemory(id);
      const labels = record && memoryLabelsOf(state, record);
      this.#assertAdministers(labels?.namespace ?? namespace);
      return labels === undefined
        ? explainIn(state.policy, principal, action, namespace)
        : explainMemory(state.policy, principal, action, labels);
    });
  }

  #assertAdministers(namespace: Namespace): void {
    const { actor, scope } = this.#caller;
    if (coversNamespace(scope, namespace) && mayIn(this.#engine.state.policy, actor, 'administer', namespace)) return;
    const required = `\`administer\` in ${showNamespace(namespace)}, a scope that covers it, and no deny rule`;
    throw new MemoryError('FORBIDDEN', `Not allowed to explain decisions: requires ${required}.`);
  }

  #maySee({ declaration }: StoredDeclaration): boolean {
    return maySeeDeclaration(this.#engine.state.policy, this.#caller, declaration);
  }

  #add(declaration: Declaration, options: CallOptions = {}): Promise<RuleInForce> {
    return this.#calls.change('add-declaration', async (target) => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsed, { signal }] = parseAll([shapes.declaration, declaration], [shapes.callOptions, options]);
      target.namespace = 'at' in parsed ? parsed.at : [];
      signal?.throwIfAborted();
      return toRuleInForce(await addDeclaration(context, this.#caller, parsed, this.#engine.environment));
    });
  }
}

function indexAfter(visible: readonly StoredDeclaration[], id: string): number {
  const index = visible.findIndex((each) => each.id === id);
  if (index >= 0) return index + 1;
  const message = 'expected the id of a declaration that the principal may see, got another one.';
  throw invalidInput([{ path: ['after'], message }], 'options');
}

/** The declarations that fit into one answer, up to a limit, and at least one. Without a limit, all of them must fit. */
function thatFit(
  declarations: readonly StoredDeclaration[],
  limit: number | undefined,
  maxBytes: number,
): readonly StoredDeclaration[] {
  let bytes = 0;
  const end = declarations.findIndex(({ declaration }, i) => {
    bytes += JSON.stringify(declaration).length;
    return i > 0 && (bytes > maxBytes || i === limit);
  });
  if (end < 0) return declarations;
  if (limit !== undefined) return declarations.slice(0, end);
  const message = `expected declarations that fit into one answer (limits.answerBytes), got more. The first ${end} fit: read them in parts, with limit and after.`;
  throw invalidInput([{ path: ['limit'], message }], 'options');
}

/** Checks whether a declaration is about a namespace or one below it. Roles and groups are about the whole store. */
function isWithin(declaration: Declaration, namespace: Namespace): boolean {
  return contains(namespace, 'at' in declaration ? declaration.at : []);
}
