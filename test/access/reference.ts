import type { Action, Memory, Principal, Rule } from 'multi-agent-memory';

/** Who acts: a principal, perhaps for a user, or the host itself. */
export type Who = Principal | 'root';

const roles: Record<string, readonly Action[]> = {
  reader: ['read'],
  writer: ['read', 'write'],
  curator: ['read', 'write', 'update', 'forget', 'share', 'consolidate'],
  auditor: ['audit'],
  administrator: [
    'read',
    'write',
    'update',
    'forget',
    'share',
    'consolidate',
    'export',
    'erase',
    'audit',
    'administer',
  ],
};

/** The access rules as they are written down for people, one decision at a time: nothing is compiled and nothing is cached. */
export class Reference {
  readonly #rules: readonly Rule[];

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /** "A pair may do only what both halves may, for each action and each namespace by itself; a deny on either side denies." */
  may(who: Who, action: Action, namespace: readonly string[]): boolean {
    return who === 'root' || this.#halves(who).every((half) => this.#mayHalf(half, action, namespace));
  }

  /** Whether anything denies it: on either side, at the namespace or anywhere above. */
  denied(who: Who, action: Action, namespace: readonly string[]): boolean {
    return who !== 'root' && this.#halves(who).some((half) => this.#matching(half, action, namespace).some(isDeny));
  }

  mayRead(who: Who, memory: Memory, author: Who): boolean {
    if (who === 'root') return true;
    // "private: the author pair alone; it narrows, and never grants: the author still needs read and clearance."
    if (memory.visibility === 'private' && !sameWho(who, author)) return false;
    // Nobody has a clearance yet.
    return memory.accessTags.length === 0 && this.may(who, 'read', memory.namespace);
  }

  /**
   * "remember needs write, which also lets an actor update and forget its own memories; update and forget are for those of
   * others." Where update or forget itself is denied, it is denied for one's own too.
   */
  mayChange(who: Who, action: 'update' | 'forget', memory: Memory, author: Who): boolean {
    if (this.may(who, action, memory.namespace)) return true;
    const own = sameWho(who, author) && this.may(who, 'write', memory.namespace);
    return own && !this.denied(who, action, memory.namespace);
  }

  /** "Allowed: some allow matches, and no deny matches anywhere above." */
  #mayHalf(half: string, action: Action, namespace: readonly string[]): boolean {
    const rules = this.#matching(half, action, namespace);
    return rules.some((rule) => rule.effect === 'allow') && !rules.some(isDeny);
  }

  #matching(half: string, action: Action, namespace: readonly string[]): Rule[] {
    return this.#rules.filter(({ to, actions, at }) => {
      const about = to === 'everyone' || named(to) === half;
      const does = (typeof actions === 'string' ? (roles[actions] ?? []) : actions).includes(action);
      return about && does && at.length <= namespace.length && at.every((label, i) => label === namespace[i]);
    });
  }

  #halves(who: Principal): string[] {
    return who.onBehalfOf === undefined ? [named(who)] : [named(who), named(who.onBehalfOf)];
  }
}

function isDeny({ effect }: Rule): boolean {
  return effect === 'deny';
}

function named(principal: object): string {
  const { onBehalfOf: _, ...self } = principal as { onBehalfOf?: unknown };
  return JSON.stringify(self);
}

function sameWho(a: Who, b: Who): boolean {
  if (a === 'root' || b === 'root') return a === b;
  return named(a) === named(b) && a.onBehalfOf?.userId === b.onBehalfOf?.userId;
}
