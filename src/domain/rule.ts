import type { Namespace } from './namespace';

/**
 * The actions that a rule can allow or deny. Each allows these methods:
 *
 * - `read` `get`, `list`, `recall`, `history`, `watch`, `count`, `namespaces` and `stats`.
 * - `write` `remember`, and `update` and `forget` for the principal's own memories.
 * - `update` `update` for memories by any author.
 * - `forget` `forget` and `forgetWhere` for memories by any author.
 * - `share` `share`.
 * - `audit` `query` and `export` of the audit.
 * - `endorse` `endorse`, and reads of untrusted memories with `include: ['quarantined']`.
 * - `administer` adding and ending declarations: rules, clearances, ceilings, retentions, roles and groups.
 * - `consolidate` `consolidate` and `undoConsolidation`, for memories by any author.
 * - `erase` with `audit`: `withheld`, and, both in the whole store, entries about legal holds in the audit. With `administer`: retentions.
 * - `export` Reserved: no method uses it yet.
 */
export type Action =
  | 'read'
  | 'write'
  | 'update'
  | 'forget'
  | 'share'
  | 'consolidate'
  | 'export'
  | 'erase'
  | 'audit'
  | 'administer'
  | 'endorse';

export const actions = [
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
  'endorse',
] as const satisfies readonly Action[];

/** One principal, in the form that rules and groups use. */
export type Member = { agentId: string } | { userId: string } | { serviceId: string };

/** The principals that a rule applies to: all principals, one principal, or the members of a group. */
export type Subject = 'everyone' | Member | { group: string };

/**
 * Allows or denies actions to a subject, in one namespace and in all namespaces below it. A principal may take an action if at least one
 * rule in its namespace or above allows it, and no rule there denies it.
 */
export interface Rule {
  effect: 'allow' | 'deny';
  to: Subject;
  /**
   * The name of a role, or a list of actions. Built-in roles: 'reader', 'writer', 'curator', 'auditor' and 'administrator'. Make
   * others with `role()`.
   */
  actions: string | readonly Action[];
  /** The namespace. `[]` is the whole store. */
  at: Namespace;
}

const writer: readonly Action[] = ['read', 'write'];
const curator: readonly Action[] = [...writer, 'update', 'forget', 'share', 'consolidate', 'endorse'];

/** The roles that every store has, with their actions. */
export const builtInRoles: Readonly<Record<string, readonly Action[]>> = {
  reader: ['read'],
  writer,
  curator,
  auditor: ['audit'],
  administrator: actions,
};

/**
 * Makes a rule that allows actions.
 *
 * @param to The principals.
 * @param roleOrActions The name of a role, or a list of actions.
 * @param at The namespace. The rule also holds in every namespace below it.
 * @example
 * ```ts
 * import { allow } from 'multi-agent-memory';
 * allow('everyone', 'writer', ['support']);
 * allow({ agentId: 'billing' }, ['read'], ['finance']);
 * ```
 */
export function allow(to: Subject, roleOrActions: Rule['actions'], at: Namespace): Rule {
  return { effect: 'allow', to, actions: roleOrActions, at };
}

/**
 * Makes a rule that denies actions. It wins over every rule that allows them.
 *
 * @param to The principals.
 * @param roleOrActions The name of a role, or a list of actions.
 * @param at The namespace. The rule also holds in every namespace below it.
 * @example
 * ```ts
 * import { deny } from 'multi-agent-memory';
 * deny({ agentId: 'trainee' }, 'reader', ['support', 'vip']);
 * ```
 */
export function deny(to: Subject, roleOrActions: Rule['actions'], at: Namespace): Rule {
  return { effect: 'deny', to, actions: roleOrActions, at };
}
