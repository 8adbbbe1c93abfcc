import type { Namespace } from './namespace';
import type { Action, Member, Rule, Subject } from './rule';

/** Clears a subject for one access tag, at a namespace and everywhere below it. It lets nobody read by itself. */
export interface Clearance {
  /** The access tag. */
  clear: string;
  to: Subject;
  at: Namespace;
}

/** A named set of actions. Built-in roles cannot be made anew. */
export interface Role {
  role: string;
  actions: readonly Action[];
}

/** A named set of principals. Groups hold no groups. */
export interface Group {
  group: string;
  members: readonly Member[];
}

/** Everything that access rests on. */
export type Declaration = Rule | Clearance | Role | Group;

/** A declaration that is, or was, in force. */
export type RuleInForce = Declaration & {
  id: string;
  /** True for one that was given to `open`, false for one that was made at run time. */
  declared: boolean;
  since: Date;
  /** When it was ended: absent while it is in force. */
  until?: Date;
};

/**
 * Clears a subject for an access tag: with it, and a rule that allows to read, it reads memories that carry the tag.
 *
 * @example
 * ```ts
 * import { allow, clear } from 'multi-agent-memory';
 * [allow({ agentId: 'oncologist' }, 'reader', ['clinic']), clear({ agentId: 'oncologist' }, 'genetics', ['clinic'])];
 * ```
 */
export function clear(to: Subject, tag: string, at: Namespace): Clearance {
  return { clear: tag, to, at };
}

/**
 * Names a set of actions, to be used in rules.
 *
 * @example
 * ```ts
 * import { allow, role } from 'multi-agent-memory';
 * [role('archivist', ['read', 'export']), allow({ serviceId: 'archive' }, 'archivist', [])];
 * ```
 */
export function role(name: string, actions: readonly Action[]): Role {
  return { role: name, actions };
}

/**
 * Names a set of principals, to be used in rules.
 *
 * @example
 * ```ts
 * import { allow, group } from 'multi-agent-memory';
 * [group('ward-4', [{ agentId: 'nurse-bot' }, { userId: 'dr-lee' }]), allow({ group: 'ward-4' }, 'writer', ['ward-4'])];
 * ```
 */
export function group(name: string, members: readonly Member[]): Group {
  return { group: name, members };
}

export function isRule(declaration: Declaration): declaration is Rule {
  return 'effect' in declaration;
}

export function isClearance(declaration: Declaration): declaration is Clearance {
  return 'clear' in declaration;
}

export function isRole(declaration: Declaration): declaration is Role {
  return 'role' in declaration;
}

export function isGroup(declaration: Declaration): declaration is Group {
  return 'members' in declaration;
}

/** The group that a rule or a clearance is about. */
export function groupOf(declaration: Declaration): string | undefined {
  if (!('to' in declaration) || typeof declaration.to !== 'object' || declaration.to === null) return undefined;
  return 'group' in declaration.to ? declaration.to.group : undefined;
}

/** Whether a rule or a clearance names that role or group. */
export function refersTo(declaration: Declaration, named: Role | Group): boolean {
  if (isGroup(named)) return groupOf(declaration) === named.group;
  return isRule(declaration) && declaration.actions === named.role;
}

/** A declaration with its name in the store. */
export interface StoredDeclaration {
  readonly id: string;
  readonly declaration: Declaration;
  /** Given to `open`, and not made at run time. */
  readonly atOpen: boolean;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly until?: number;
}

/** In the words of the public surface: a copy, with which its holder may do as it likes. */
export function toRuleInForce({ id, declaration, atOpen, since, until }: StoredDeclaration): RuleInForce {
  return {
    ...structuredClone(declaration),
    id,
    declared: atOpen,
    since: new Date(since),
    ...(until === undefined ? {} : { until: new Date(until) }),
  };
}

/** The one text that stands for a declaration, whatever the order of its actions and members: to tell whether two are the same. */
export function canonicalText(declaration: Declaration): string {
  if (isRule(declaration)) {
    const { effect, to, actions, at } = declaration;
    return JSON.stringify([effect, to, typeof actions === 'string' ? actions : sorted(actions), at]);
  }
  if (isClearance(declaration)) return JSON.stringify(['clear', declaration.clear, declaration.to, declaration.at]);
  if (isRole(declaration)) return JSON.stringify(['role', declaration.role, sorted(declaration.actions)]);
  return JSON.stringify(['group', declaration.group, sorted(declaration.members.map((each) => JSON.stringify(each)))]);
}

/** What has to be added and ended so that exactly the wanted declarations stand as given to `open`. Order and repetition do not matter. */
export function differenceAtOpen<T extends { readonly declaration: Declaration }>(
  inForce: Iterable<StoredDeclaration>,
  wanted: readonly T[],
): { added: T[]; ended: StoredDeclaration[] } {
  const declared = [...inForce].filter(({ atOpen }) => atOpen);
  const had = new Set(declared.map(({ declaration }) => canonicalText(declaration)));
  const wants = new Map(wanted.map((each) => [canonicalText(each.declaration), each]));
  return {
    added: [...wants].flatMap(([text, each]) => (had.has(text) ? [] : [each])),
    ended: declared.filter(({ declaration }) => !wants.has(canonicalText(declaration))),
  };
}

function sorted<T extends string>(list: readonly T[]): T[] {
  return [...new Set(list)].sort();
}
