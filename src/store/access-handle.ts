import { type DecisionReason, explainIn, explainMemory, mayIn } from '../access/authorise';
import { noSuchMemory } from '../access/denials';
import { coversNamespace, maySeeDeclaration } from '../access/rule-administration';
import type { CallOptions } from '../domain/calls';
import {
  clear,
  type Declaration,
  group,
  type RuleInForce,
  role,
  type StoredDeclaration,
  toRuleInForce,
} from '../domain/declaration';
import { MemoryError } from '../domain/errors';
import { contains, type Namespace, showNamespace } from '../domain/namespace';
import { parse, parseAll } from '../domain/parse/shapes';
import type { Principal } from '../domain/principal';
import { type Action, allow, deny, type Member, type Rule, type Subject } from '../domain/rule';
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
  /** True if other declarations decide too, which the caller may not list. */
  undisclosed: boolean;
}

/** A question to `explain`: may the principal take the action in a namespace, or on one memory? */
export type ExplainRequest = { principal: Principal; action: Action } & (
  | { namespace: Namespace; id?: never }
  | { id: string; namespace?: never }
);

/**
 * Changes and lists declarations (rules, clearances, roles and groups) at run time. A change takes effect for the next call, and is
 * durable when its promise resolves.
 *
 * Nobody grants more than they have. A rule or a clearance requires `administer` in its namespace, and there also the actions or the
 * access tag that it grants. A role or a group requires `administer` in the whole store, and everything that the rules which name it
 * require.
 *
 * Every change throws INVALID_INPUT, FORBIDDEN, STORE_READ_ONLY, DISK_FULL and OVERLOADED.
 */
export interface AccessHandle {
  /** Allows a subject a role or some actions in a namespace and below. */
  allow(to: Subject, actions: Rule['actions'], at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Denies a subject a role or some actions in a namespace and below. A deny rule wins over every rule that allows. */
  deny(to: Subject, actions: Rule['actions'], at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Clears a subject for an access tag in a namespace and below. It allows nothing by itself: see `clear`. */
  clear(to: Subject, tag: string, at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Names a set of actions. Replaces the role of this name that was made at run time, if there is one. */
  role(name: string, actions: readonly Action[], options?: CallOptions): Promise<RuleInForce>;
  /** Names a set of principals. Replaces the group of this name that was made at run time, if there is one. */
  group(name: string, members: readonly Member[], options?: CallOptions): Promise<RuleInForce>;
  /**
   * Ends a declaration that was made at run time. Returns false if no declaration with this id is in force, or if the principal may
   * not see it.
   */
  end(id: string, options?: CallOptions): Promise<boolean>;
  /**
   * The declarations in force that the principal may administer, oldest first.
   *
   * - `within`: only those about this namespace and below. Default: all.
   * - `ended`: also those that were ended. Default: false.
   */
  list(options?: CallOptions & { within?: Namespace; ended?: boolean }): Promise<RuleInForce[]>;
  /**
   * Whether a principal may take an action in a namespace or on a memory, and why.
   *
   * @throws INVALID_INPUT; NOT_FOUND for a memory that the caller may not read; FORBIDDEN without `administer` in the namespace
   */
  explain(request: ExplainRequest, options?: CallOptions): Promise<ExplainResult>;
}

/** What the rules of a store need of it. */
export type AccessHandleDeps = Pick<Engine, 'state' | 'environment' | 'shapes' | 'reading' | 'writing'>;

/** The declarations as one caller may see and change them. */
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

  role(name: string, actions: readonly Action[], options?: CallOptions): Promise<RuleInForce> {
    return this.#add(role(name, actions), options);
  }

  group(name: string, members: readonly Member[], options?: CallOptions): Promise<RuleInForce> {
    return this.#add(group(name, members), options);
  }

  end(id: string, options: CallOptions = {}): Promise<boolean> {
    return this.#calls.write('end-declaration', async () => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsedId, { signal }] = parseAll([shapes.id, id, ['id']], [shapes.callOptions, options]);
      signal?.throwIfAborted();
      return endDeclaration(context, this.#caller, parsedId);
    });
  }

  list(options: Parameters<AccessHandle['list']>[0] = {}): Promise<RuleInForce[]> {
    return this.#calls.read('access.list', (target) => {
      const { within = [], ended = false, signal } = parse(this.#engine.shapes.listRulesOptions, options, 'options');
      target.namespace = within;
      signal?.throwIfAborted();
      // Loads what another process has written.
      this.#engine.reading();
      const { state } = this.#engine;
      const all = ended ? state.declarations.all(true) : [...state.policy.declared.values()];
      return all.filter((each) => this.#maySee(each) && isWithin(each.declaration, within)).map(toRuleInForce);
    });
  }

  explain(request: ExplainRequest, options: CallOptions = {}): Promise<ExplainResult> {
    return this.#calls.read('access.explain', (target) => {
      const { shapes } = this.#engine;
      const [parsed, { signal }] = parseAll([shapes.explainRequest, request], [shapes.callOptions, options]);
      target.namespace = parsed.namespace;
      target.ids = parsed.id === undefined ? [] : [parsed.id];
      signal?.throwIfAborted();
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
      const record = id === undefined ? undefined : findRecord(context, this.#caller, id);
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
    return this.#calls.write('add-declaration', async (target) => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsed, { signal }] = parseAll([shapes.declaration, declaration], [shapes.callOptions, options]);
      target.namespace = 'at' in parsed ? parsed.at : [];
      signal?.throwIfAborted();
      return toRuleInForce(await addDeclaration(context, this.#caller, parsed, this.#engine.environment));
    });
  }
}

/** Whether a declaration is about a namespace or below. Roles and groups are about the whole store. */
function isWithin(declaration: Declaration, namespace: Namespace): boolean {
  return contains(namespace, 'at' in declaration ? declaration.at : []);
}
