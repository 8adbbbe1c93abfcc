import type { Action, Clearance, Declaration, Group, Principal, Role, Rule, Subject } from 'multi-agent-memory';

/** The actor: a principal, possibly on behalf of a user, or the host (`root`). */
export type Who = Principal | 'root';

/**
 * One party. An agent that acts on behalf of a user is a pair with two halves: the agent and the user. Any other actor has only one
 * half.
 */
export type Half = { agentId: string } | { userId: string } | { serviceId: string };

/** The fields of a memory on which access to it depends. */
export interface Labels {
  readonly namespace: readonly string[];
  readonly accessTags: readonly string[];
  readonly visibility: 'shared' | 'private';
  readonly author: Who;
}

export const everyAction: readonly Action[] = [
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
];

const builtIn: Readonly<Record<string, readonly Action[]>> = {
  reader: ['read'],
  writer: ['read', 'write'],
  curator: ['read', 'write', 'update', 'forget', 'share', 'consolidate'],
  auditor: ['audit'],
  administrator: everyAction,
};

/**
 * A simple second implementation of the access rules. It follows the sentences of the specification (quoted in the comments) and makes
 * one decision at a time, without compilation and without caches. Each sentence has its own method, so that a test can replace any of
 * them with a wrong one.
 */
export class Reference {
  readonly declarations: readonly Declaration[];

  constructor(declarations: readonly Declaration[]) {
    this.declarations = declarations;
  }

  /** "A pair may do only what both halves may, for each action and each namespace by itself; a deny on either side denies." */
  may(who: Who, action: Action, namespace: readonly string[]): boolean {
    return who === 'root' || this.halves(who).every((half) => this.mayHalf(half, action, namespace));
  }

  /** Checks whether a rule at the namespace or above denies the action to any half of the actor. */
  denied(who: Who, action: Action, namespace: readonly string[]): boolean {
    return who !== 'root' && this.halves(who).some((half) => this.denies(half, action, namespace).length > 0);
  }

  /** "A clearance gives a subject one access tag at a namespace and below." Each half needs a clearance for each tag. */
  cleared(who: Who, accessTags: readonly string[], namespace: readonly string[]): boolean {
    if (who === 'root') return true;
    return this.halves(who).every((half) =>
      accessTags.every((tag) => this.clearances(half, tag, namespace).length > 0),
    );
  }

  /** "private: the author pair alone; it narrows, and never grants: the author still needs read and clearance." */
  mayRead(who: Who, { namespace, accessTags, visibility, author }: Labels): boolean {
    if (who === 'root') return true;
    if (visibility === 'private' && !this.isAuthor(who, author)) return false;
    return this.cleared(who, accessTags, namespace) && this.may(who, 'read', namespace);
  }

  /**
   * "remember needs write, which also lets an actor update and forget its own memories; update and forget are for those of
   * others." If a rule denies update or forget, it also denies it for the actor's own memories. The actor must be able to read the memory.
   */
  mayChange(who: Who, action: 'update' | 'forget', labels: Labels): boolean {
    if (!this.mayRead(who, labels)) return false;
    return this.may(who, action, labels.namespace) || this.mayChangeOwn(who, action, labels);
  }

  mayChangeOwn(who: Who, action: 'update' | 'forget', { namespace, author }: Labels): boolean {
    if (!this.isAuthor(who, author) || !this.may(who, 'write', namespace)) return false;
    return !this.denied(who, action, namespace);
  }

  /** "To put one on or take one off, hold it." A write with a key also requires read, because it reveals whether the key exists. */
  mayRemember(who: Who, { namespace, accessTags }: Labels, key: string | undefined): boolean {
    if (!this.may(who, 'write', namespace) || !this.cleared(who, accessTags, namespace)) return false;
    return key === undefined || this.may(who, 'read', namespace);
  }

  /** "It needs share where the memory is and write where it goes; only the author makes it private again." */
  mayShare(who: Who, from: Labels, to: Labels, asksPrivate: boolean, key: string | undefined): boolean {
    if (!this.mayRead(who, from) || !this.may(who, 'share', from.namespace)) return false;
    const becomesPrivate = asksPrivate && from.visibility === 'shared';
    if (becomesPrivate && !this.isAuthor(who, from.author)) return false;
    return this.mayRemember(who, to, key);
  }

  /** Checks whether an actor may take an action on a memory. Every action requires that the actor can read the memory. */
  mayTo(who: Who, action: Action, labels: Labels): boolean {
    if (action === 'update' || action === 'forget') return this.mayChange(who, action, labels);
    return this.mayRead(who, labels) && this.may(who, action, labels.namespace);
  }

  /** "Allowed: some allow matches, and no deny matches anywhere above." */
  mayHalf(half: Half, action: Action, namespace: readonly string[]): boolean {
    return this.allows(half, action, namespace).length > 0 && this.denies(half, action, namespace).length === 0;
  }

  allows(half: Half, action: Action, namespace: readonly string[]): Rule[] {
    return this.rules('allow').filter((rule) => this.matches(rule, half, action, namespace));
  }

  denies(half: Half, action: Action, namespace: readonly string[]): Rule[] {
    return this.rules('deny').filter((rule) => this.matches(rule, half, action, namespace));
  }

  clearances(half: Half, tag: string, namespace: readonly string[]): Clearance[] {
    return this.declarations.filter(
      (each): each is Clearance =>
        'clear' in each && each.clear === tag && this.isOf(each.to, half) && this.holds(each.at, namespace),
    );
  }

  matches({ to, actions, at }: Rule, half: Half, action: Action, namespace: readonly string[]): boolean {
    return this.isOf(to, half) && this.actionsOf(actions).includes(action) && this.holds(at, namespace);
  }

  /** "At a namespace and all below it; [] is the whole store." */
  holds(at: readonly string[], namespace: readonly string[]): boolean {
    return at.length <= namespace.length && at.every((label, depth) => label === namespace[depth]);
  }

  /** "A subject (a principal, a group, everyone)"; "ids compare character by character". */
  isOf(to: Subject, half: Half): boolean {
    if (to === 'everyone') return true;
    if ('group' in to) return this.members(to.group).some((member) => sameHalf(member, half));
    return sameHalf(to, half);
  }

  /** "A role is a named set of actions, a group a flat set of principals." */
  actionsOf(actions: Rule['actions']): readonly Action[] {
    if (typeof actions !== 'string') return actions;
    const own = this.declarations.find((each): each is Role => 'role' in each && each.role === actions);
    return own?.actions ?? builtIn[actions] ?? [];
  }

  members(name: string): readonly Half[] {
    return this.declarations.find((each): each is Group => 'members' in each && each.group === name)?.members ?? [];
  }

  /** "A for U1, A for U2 and A alone are three authors." */
  isAuthor(who: Who, author: Who): boolean {
    if (who === 'root' || author === 'root') return who === author;
    return sameHalf(halfOf(who), halfOf(author)) && who.onBehalfOf?.userId === author.onBehalfOf?.userId;
  }

  halves(who: Principal): Half[] {
    return who.onBehalfOf === undefined ? [halfOf(who)] : [halfOf(who), { userId: who.onBehalfOf.userId }];
  }

  rules(effect: Rule['effect']): Rule[] {
    return this.declarations.filter((each): each is Rule => 'effect' in each && each.effect === effect);
  }
}

/** Returns the half of an actor without the user on whose behalf it acts. */
export function halfOf(who: Principal): Half {
  if ('agentId' in who) return { agentId: who.agentId };
  return 'userId' in who ? { userId: who.userId } : { serviceId: who.serviceId };
}

export function sameHalf(a: Half, b: Half): boolean {
  return JSON.stringify(halfOf(a)) === JSON.stringify(halfOf(b));
}
