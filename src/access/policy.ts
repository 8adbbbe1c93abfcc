import type { Party } from '../domain/principal';
import { type Action, builtInRoles, type Rule, type Subject } from '../domain/rule';

/** A rule with its role resolved. */
export interface ResolvedRule {
  readonly effect: Rule['effect'];
  readonly actions: ReadonlySet<Action>;
  readonly at: Rule['at'];
}

/** Every rule that is in force. Immutable: a changed rule makes a new policy with a higher version. */
export class Policy {
  /** Rises by one with each command that changes a rule. */
  readonly version: number;
  readonly #everyone: ResolvedRule[] = [];
  // By kind, then by id: principals are compared field by field.
  readonly #byParty: Readonly<Record<Party['kind'], Map<string, ResolvedRule[]>>> = {
    agent: new Map(),
    user: new Map(),
    service: new Map(),
  };

  constructor(version: number, rules: readonly Rule[]) {
    this.version = version;
    for (const rule of rules) this.#listOf(rule.to).push(resolve(rule));
  }

  /** The rules that are about a party: its own, and everyone's. */
  rulesFor(party: Party): readonly ResolvedRule[] {
    const own = this.#byParty[party.kind].get(party.id);
    return own === undefined ? this.#everyone : [...this.#everyone, ...own];
  }

  #listOf(subject: Subject): ResolvedRule[] {
    if (subject === 'everyone') return this.#everyone;
    const party = partyOf(subject);
    const lists = this.#byParty[party.kind];
    const list = lists.get(party.id) ?? [];
    lists.set(party.id, list);
    return list;
  }
}

function partyOf(subject: Exclude<Subject, 'everyone'>): Party {
  if ('agentId' in subject) return { kind: 'agent', id: subject.agentId };
  if ('userId' in subject) return { kind: 'user', id: subject.userId };
  return { kind: 'service', id: subject.serviceId };
}

function resolve({ effect, actions, at }: Rule): ResolvedRule {
  const resolved = typeof actions === 'string' ? builtInRoles[actions] : actions;
  if (resolved === undefined)
    throw new Error(`The role ${JSON.stringify(actions)} was not refused before it reached a policy.`);
  return { effect, actions: new Set(resolved), at };
}
