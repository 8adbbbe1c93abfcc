import { contains, type Namespace } from './namespace';
import type { Actor } from './principal';

/** A scope in its parsed form. */
export interface ParsedScope {
  readonly namespace?: Namespace;
  readonly userId?: string;
  readonly agentId?: string;
  readonly sessionId?: string;
  readonly tags?: readonly string[];
}

/** Nothing lies in it: two scopes that exclude each other. */
export const emptyScope = 'nothing';

/** What lies in both: scopes only narrow. */
export function narrowScope(outer: ParsedScope, inner: ParsedScope): ParsedScope | typeof emptyScope {
  const namespace = narrowNamespace(outer.namespace, inner.namespace);
  if (namespace === emptyScope) return emptyScope;
  const tags = [...new Set([...(outer.tags ?? []), ...(inner.tags ?? [])])];
  const narrowed: { -readonly [K in keyof ParsedScope]: ParsedScope[K] } = {};
  for (const word of ['userId', 'agentId', 'sessionId'] as const) {
    const [a, b] = [outer[word], inner[word]];
    if (a !== undefined && b !== undefined && a !== b) return emptyScope;
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
  return contains(inner, outer) ? outer : emptyScope;
}

/** What a scope looks at, of one memory. */
export interface ScopedFields {
  readonly namespace: Namespace;
  readonly userId?: string | undefined;
  readonly agentId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly tags: readonly string[];
}

/** What a scope looks at, of a memory that an actor writes. */
export function scopedFieldsOf(
  { party }: Actor,
  { namespace, userId, sessionId, tags }: Omit<ScopedFields, 'agentId'>,
): ScopedFields {
  return {
    namespace,
    tags,
    ...(userId === undefined ? {} : { userId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(party !== 'root' && party.kind === 'agent' ? { agentId: party.id } : {}),
  };
}

/** Whether a memory lies in a scope. */
export function isInScope(scope: ParsedScope, memory: ScopedFields): boolean {
  return (
    (scope.namespace === undefined || contains(scope.namespace, memory.namespace)) &&
    (scope.userId === undefined || scope.userId === memory.userId) &&
    (scope.agentId === undefined || scope.agentId === memory.agentId) &&
    (scope.sessionId === undefined || scope.sessionId === memory.sessionId) &&
    (scope.tags ?? []).every((tag) => memory.tags.includes(tag))
  );
}
