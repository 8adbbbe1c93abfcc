import type { Namespace } from './namespace';

/** What can be done to memories, and to the rules about them. */
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
  | 'administer';

export const actions: readonly Action[] = [
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

/** One principal by itself, as rules and groups name it. */
export type Member = { agentId: string } | { userId: string } | { serviceId: string };

/** Whom a rule is about. */
export type Subject = 'everyone' | Member | { group: string };

/**
 * Allows or denies a subject a role or some actions at a namespace and everywhere below it; `[]` is the whole store.
 * Something is allowed when some rule allows it and no rule anywhere above denies it.
 */
export interface Rule {
  effect: 'allow' | 'deny';
  to: Subject;
  /** The name of a role, or actions. Built-in roles: reader, writer, curator, auditor, administrator; others are made with `role`. */
  actions: string | readonly Action[];
  at: Namespace;
}

const writer: readonly Action[] = ['read', 'write'];
const curator: readonly Action[] = [...writer, 'update', 'forget', 'share', 'consolidate'];

/** The roles that every store knows. */
export const builtInRoles: Readonly<Record<string, readonly Action[]>> = {
  reader: ['read'],
  writer,
  curator,
  auditor: ['audit'],
  administrator: actions,
};

/**
 * A rule that allows.
 *
 * @example
 * ```ts
 * import { allow } from 'multi-agent-memory';
 * allow('everyone', 'writer', ['support']);
 * allow({ agentId: 'billing' }, ['read'], ['finance']);
 * ```
 */
export function allow(to: Subject, actions: Rule['actions'], at: Namespace): Rule {
  return { effect: 'allow', to, actions, at };
}

/**
 * A rule that denies, whatever other rules allow.
 *
 * @example
 * ```ts
 * import { deny } from 'multi-agent-memory';
 * deny({ agentId: 'trainee' }, 'reader', ['support', 'vip']);
 * ```
 */
export function deny(to: Subject, actions: Rule['actions'], at: Namespace): Rule {
  return { effect: 'deny', to, actions, at };
}
