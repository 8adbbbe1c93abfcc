import type { MemoryKind, SourceChannel } from './memory';
import type { Namespace } from './namespace';
import type { Action, Member, Rule, Subject } from './rule';
import type { Trust } from './trust';

/**
 * Clears a subject for one access tag, in one namespace and in all namespaces below it. A clearance alone allows no action: a rule
 * must also allow `read`.
 */
export interface Clearance {
  /** The access tag. */
  clear: string;
  to: Subject;
  /** The namespace. `[]` is the whole store. */
  at: Namespace;
}

/**
 * Limits the trust of memories, in one namespace and in all namespaces below it: of those that a subject has written or changed, or of
 * those that came through a channel. If several ceilings apply, the lowest counts.
 */
export interface Ceiling {
  /** The highest trust that these memories can have. */
  ceiling: Trust;
  /** The principals, or the channel of the content. */
  to: Subject | { channel: SourceChannel };
  /** The namespace. `[]` is the whole store. */
  at: Namespace;
}

/**
 * Limits how long memories are kept, or how many, in one namespace and in all namespaces below it. Pinned memories stay, and do not count. At
 * least one limit is needed. If several limits apply to a memory, the earliest counts.
 */
export interface Retention {
  /**
   * What happens to memories that a limit has reached:
   *
   * - 'forget' They are forgotten. What `maxAgeDays` has reached is found by no read any more, from that moment on.
   * - 'consolidate' They are replaced by facts, with the policy of `open` that decides about their namespace, else with
   *   `extractiveSummarizer()`. They stay readable until then, and stay as they are if they cannot be consolidated.
   */
  retain: 'forget' | 'consolidate';
  /** The namespace. `[]` is the whole store. */
  at: Namespace;
  /** The kind of the memories. Absent: all kinds. */
  kind?: MemoryKind;
  /** Memories are kept for so many days after they were stored. An update does not begin the time again. */
  maxAgeDays?: number;
  /**
   * So many memories are kept; of more the oldest go. With 'forget' all stored memories count, with 'consolidate' the active ones. The sweep
   * counts as the host, so also what a reader may not see.
   */
  maxMemories?: number;
}

/** The argument of `retain`. */
export interface RetentionRequest extends Omit<Retention, 'retain'> {
  /** What happens to a memory that a limit has reached. */
  then: Retention['retain'];
}

/** A named set of actions. It cannot have the name of a built-in role. */
export interface Role {
  /** The name. */
  role: string;
  actions: readonly Action[];
}

/** A named set of principals. A group cannot contain a group. */
export interface Group {
  /** The name. */
  group: string;
  members: readonly Member[];
}

/**
 * A rule, a clearance, a ceiling, a retention, a role or a group. Together the declarations decide about all access to a store, about the
 * trust of its memories, and about how long they are kept.
 */
export type Declaration = Rule | Clearance | Ceiling | Retention | Role | Group;

/** A declaration with its id and the times at which it began and ended. */
export type RuleInForce = Declaration & {
  /** Pass it to `access.end` to end the declaration. */
  id: string;
  /** True if it was passed to `open`, false if it was added at run time. */
  declared: boolean;
  /** The time at which it came into force. */
  since: Date;
  /** The time at which it was ended. Absent while it is in force. */
  until?: Date;
};

/**
 * Clears a subject for an access tag. The subject can then read memories with this tag wherever a rule allows it to read.
 *
 * @param to The principals.
 * @param tag The access tag.
 * @param at The namespace. The clearance also holds in every namespace below it.
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
 * Limits the trust of the memories that some principals write or change, or that come through a channel. It counts for memories that are
 * already stored, too, from the next read on. Memories below the trust of a read are left out: see `Scope.minTrust`.
 *
 * Without a ceiling, agents, users and services have 'standard', and the host has 'verified'. The channels 'tool', 'document' and
 * 'import' have 'reported', and the others have no limit. If several ceilings apply to a principal or a channel, the lowest counts.
 *
 * @param to The principals, or the channel.
 * @param trust 'untrusted': ordinary reads leave these memories out.
 * @param at The namespace. The ceiling also holds in every namespace below it.
 * @example
 * ```ts
 * import { ceiling } from 'multi-agent-memory';
 * [ceiling({ agentId: 'crawler' }, 'reported', ['support']), ceiling({ channel: 'tool' }, 'untrusted', ['finance'])];
 * ```
 */
export function ceiling(to: Ceiling['to'], trust: Trust, at: Namespace): Ceiling {
  return { ceiling: trust, to, at };
}

/**
 * Limits how long memories are kept, or how many. It counts for memories that are already stored, too: from the next read on nobody finds those
 * that `maxAgeDays` with `then: 'forget'` has reached, and the store forgets them in the background. `pinned` memories stay.
 *
 * @example
 * ```ts
 * import { allow, retain } from 'multi-agent-memory';
 * [allow('everyone', 'writer', ['support']), retain({ at: ['support'], kind: 'episodic', maxAgeDays: 90, then: 'forget' })];
 * retain({ at: ['support', 'chat'], maxMemories: 10_000, then: 'consolidate' });
 * ```
 */
export function retain(request: RetentionRequest): Retention {
  const { then, ...limits } = request;
  return { retain: then, ...limits };
}

/**
 * Makes a role: a name for a set of actions, for use in rules.
 *
 * @param name Any name except the names of built-in roles.
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
 * Makes a group: a name for a set of principals, for use in rules, clearances and ceilings.
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

export function isCeiling(declaration: Declaration): declaration is Ceiling {
  return 'ceiling' in declaration;
}

export function isRetention(declaration: Declaration): declaration is Retention {
  return 'retain' in declaration;
}

export function isRole(declaration: Declaration): declaration is Role {
  return 'role' in declaration;
}

export function isGroup(declaration: Declaration): declaration is Group {
  return 'members' in declaration;
}

/** Returns the name of the group that a rule, a clearance or a ceiling applies to. */
export function groupOf(declaration: Declaration): string | undefined {
  if (!('to' in declaration) || typeof declaration.to !== 'object' || declaration.to === null) return undefined;
  return 'group' in declaration.to ? declaration.to.group : undefined;
}

/** Checks whether a rule, a clearance or a ceiling uses this role or group. */
export function refersTo(declaration: Declaration, named: Role | Group): boolean {
  if (isGroup(named)) return groupOf(declaration) === named.group;
  return isRule(declaration) && declaration.actions === named.role;
}

/** A declaration in the form in which the store keeps it. */
export interface StoredDeclaration {
  readonly id: string;
  readonly declaration: Declaration;
  /** True if it was passed to `open`, false if it was added at run time. */
  readonly atOpen: boolean;
  /** Epoch milliseconds. */
  readonly since: number;
  /** Epoch milliseconds. */
  readonly until?: number;
}

/** Converts a stored declaration to its public form. The result is a copy that the caller may change. */
export function toRuleInForce({ id, declaration, atOpen, since, until }: StoredDeclaration): RuleInForce {
  return {
    ...structuredClone(declaration),
    id,
    declared: atOpen,
    since: new Date(since),
    ...(until === undefined ? {} : { until: new Date(until) }),
  };
}

/** Converts a declaration to text. Equal declarations give the same text, even if their actions or members are in a different order. */
export function canonicalText(declaration: Declaration): string {
  if (isRule(declaration)) {
    const { effect, to, actions, at } = declaration;
    return JSON.stringify([effect, to, typeof actions === 'string' ? actions : sorted(actions), at]);
  }
  if (isClearance(declaration)) return JSON.stringify(['clear', declaration.clear, declaration.to, declaration.at]);
  if (isCeiling(declaration)) {
    return JSON.stringify(['ceiling', declaration.ceiling, declaration.to, declaration.at]);
  }
  if (isRetention(declaration)) {
    const { retain, at, kind = null, maxAgeDays = null, maxMemories = null } = declaration;
    return JSON.stringify(['retain', retain, at, kind, maxAgeDays, maxMemories]);
  }
  if (isRole(declaration)) return JSON.stringify(['role', declaration.role, sorted(declaration.actions)]);
  return JSON.stringify(['group', declaration.group, sorted(declaration.members.map((each) => JSON.stringify(each)))]);
}

/** Finds the declarations to add and to end, so that of `open`'s declarations exactly the wanted ones are in force. Ignores repeats. */
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
