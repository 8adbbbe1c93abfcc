import { mayIn } from '../access/authorise';
import { noSuchMemory } from '../access/denials';
import { type DecisionReason, explainIn, explainMemory } from '../access/explain';
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
import { parse, parseAll } from '../domain/parse/parse';
import type { Principal } from '../domain/principal';
import { type Action, allow, deny, type Member, type Rule, type Subject } from '../domain/rule';
import { findRecord } from '../recall/get';
import { memoryLabelsOf } from '../state/tables/memory-row';
import { addDeclaration, endDeclaration } from '../write/declare';
import type { Author } from '../write/write-context';
import type { AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';

/** Whether a principal may do something, and why. */
export interface Explanation {
  allowed: boolean;
  reason: DecisionReason;
  /** The rules that decided, as far as who asks may list them. */
  rules: RuleInForce[];
  /** True where other rules decided too, which who asks may not list. */
  undisclosed: boolean;
}

/** What `explain` is asked: about a namespace, or about one memory. */
export type ExplainRequest = { principal: Principal; action: Action } & (
  | { namespace: Namespace; id?: never }
  | { id: string; namespace?: never }
);

/**
 * Rules at run time, for who may administer. Whoever administers a namespace makes and ends rules and clearances there and below,
 * for actions and access tags that it has there itself; roles and groups take `administer` in the whole store.
 *
 * Every change throws INVALID_INPUT for what makes no sense, and FORBIDDEN.
 */
export interface AccessHandle {
  /** Allows a subject a role or some actions, at a namespace and below. */
  allow(to: Subject, actions: Rule['actions'], at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Denies them, whatever other rules allow. */
  deny(to: Subject, actions: Rule['actions'], at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Clears a subject for an access tag, at a namespace and below. */
  clear(to: Subject, tag: string, at: Namespace, options?: CallOptions): Promise<RuleInForce>;
  /** Names a set of actions. One that was made at run time under the same name gives way to it. */
  role(name: string, actions: readonly Action[], options?: CallOptions): Promise<RuleInForce>;
  /** Names a set of principals. One that was made at run time under the same name gives way to it. */
  group(name: string, members: readonly Member[], options?: CallOptions): Promise<RuleInForce>;
  /** Ends what was made at run time. False where there is none in force with that id, or none that may be seen. */
  end(id: string, options?: CallOptions): Promise<boolean>;
  /** What is in force, at a namespace and below; with `ended` also what was. Only what the principal may administer. */
  list(options?: CallOptions & { within?: Namespace; ended?: boolean }): Promise<RuleInForce[]>;
  /**
   * Whether a principal may do something in a namespace or to a memory, and why.
   *
   * @throws INVALID_INPUT, NOT_FOUND for a memory that who asks may not read, FORBIDDEN for who does not administer there
   */
  explain(question: ExplainRequest, options?: CallOptions): Promise<Explanation>;
}

/** The rules, in the hands of one principal inside one scope. */
export class PrincipalAccess implements AccessHandle {
  readonly #engine: Engine;
  readonly #calls: AuditedCalls;
  readonly #caller: Author;

  constructor(engine: Engine, calls: AuditedCalls, caller: Author) {
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
      const { id: name, callOptions: call } = this.#engine.shapes;
      const [known, { signal }] = parseAll([name, id, ['id']], [call, options]);
      signal?.throwIfAborted();
      return endDeclaration(context, this.#caller, known);
    });
  }

  list(options: Parameters<AccessHandle['list']>[0] = {}): Promise<RuleInForce[]> {
    return this.#calls.read('access.list', (asked) => {
      const { within = [], ended = false, signal } = parse(this.#engine.shapes.listRulesOptions, options, 'options');
      asked.namespace = within;
      signal?.throwIfAborted();
      this.#engine.reading();
      const { state } = this.#engine;
      const all = ended ? state.declarations.all(true) : [...state.policy.declared.values()];
      return all.filter((each) => this.#maySee(each) && liesWithin(each.declaration, within)).map(toRuleInForce);
    });
  }

  explain(question: ExplainRequest, options: CallOptions = {}): Promise<Explanation> {
    return this.#calls.read('access.explain', (asked) => {
      const { explainRequest: shape, callOptions: call } = this.#engine.shapes;
      const [about, { signal }] = parseAll([shape, question], [call, options]);
      asked.namespace = about.namespace;
      asked.ids = about.id === undefined ? [] : [about.id];
      signal?.throwIfAborted();
      const { allowed, reason, deciding } = this.#decide(about);
      const seen = deciding.filter((each) => this.#maySee(each));
      return { allowed, reason, rules: seen.map(toRuleInForce), undisclosed: seen.length < deciding.length };
    });
  }

  #decide({ principal, action, id, namespace = [] }: ReturnType<Engine['shapes']['explainRequest']['parse']>) {
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
    throw new MemoryError('FORBIDDEN', `Explaining decisions takes administer in ${showNamespace(namespace)}.`);
  }

  #maySee({ declaration }: StoredDeclaration): boolean {
    return maySeeDeclaration(this.#engine.state.policy, this.#caller, declaration);
  }

  #add(declaration: Declaration, options: CallOptions = {}): Promise<RuleInForce> {
    return this.#calls.write('add-declaration', async (asked) => {
      const context = this.#engine.writing();
      const { declaration: shape, callOptions: call } = this.#engine.shapes;
      const [made, { signal }] = parseAll([shape, declaration], [call, options]);
      asked.namespace = 'at' in made ? made.at : [];
      signal?.throwIfAborted();
      return toRuleInForce(await addDeclaration(context, this.#caller, made, this.#engine.environment));
    });
  }
}

function liesWithin(declaration: Declaration, within: Namespace): boolean {
  return contains(within, 'at' in declaration ? declaration.at : []);
}
