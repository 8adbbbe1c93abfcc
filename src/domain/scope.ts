import { contains, type Namespace } from './namespace';
import type { Actor } from './principal';

/** A scope in its parsed form. */
export interface Bound {
  readonly namespace?: Namespace;
  readonly userId?: string;
  readonly agentId?: string;
  readonly sessionId?: string;
  readonly tags?: readonly string[];
}

/** Nothing lies in it: two scopes that exclude each other. */
export const nothing = 'nothing';

/** What lies in both: scopes only narrow. */
export function narrow(outer: Bound, inner: Bound): Bound | typeof nothing {
  const namespace = narrowNamespace(outer.namespace, inner.namespace);
  if (namespace === nothing) return nothing;
  const tags = [...new Set([...(outer.tags ?? []), ...(inner.tags ?? [])])];
  const narrowed: { -readonly [K in keyof Bound]: Bound[K] } = {};
  for (const word of ['userId', 'agentId', 'sessionId'] as const) {
    const [a, b] = [outer[word], inner[word]];
    if (a !== undefined && b !== undefined && a !== b) return nothing;
    const value = b ?? a;
    if (value !== undefined) narrowed[word] = value;
  }
  if (namespace !== undefined) narrowed.namespace = namespace;
  if (tags.length > 0) narrowed.tags = tags;
  return narrowed;
}

/** The deeper of two namespaces, where one lies in the other. */
export function narrowNamespace(outer: Namespace | undefined, inner: Namespace | undefined) {
  if (outer === undefined || inner === undefined) return inner ?? outer;
  if (contains(outer, inner)) return inner;
  return contains(inner, outer) ? outer : nothing;
}

/** What a scope looks at, of one memory. */
export interface Scoped {
  readonly namespace: Namespace;
  readonly userId?: string | undefined;
  readonly agentId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly tags: readonly string[];
}

/** What a scope looks at, of a memory that an actor writes. */
export function writtenBy({ party }: Actor, { namespace, userId, sessionId, tags }: Omit<Scoped, 'agentId'>): Scoped {
  return {
    namespace,
    tags,
    ...(userId === undefined ? {} : { userId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(party !== 'root' && party.kind === 'agent' ? { agentId: party.id } : {}),
  };
}

/** Whether a memory lies in a scope. */
export function liesIn(bound: Bound, memory: Scoped): boolean {
  return (
    (bound.namespace === undefined || contains(bound.namespace, memory.namespace)) &&
    (bound.userId === undefined || bound.userId === memory.userId) &&
    (bound.agentId === undefined || bound.agentId === memory.agentId) &&
    (bound.sessionId === undefined || bound.sessionId === memory.sessionId) &&
    (bound.tags ?? []).every((tag) => memory.tags.includes(tag))
  );
}
