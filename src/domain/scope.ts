import { invalidInput, type MemoryError } from './errors';
import { contains, type Namespace } from './namespace';
import type { Actor } from './principal';
import { type MinTrust, trustLevelOf } from './trust';

/** A scope after parsing. A memory is inside the scope if all fields of the scope match. */
export interface ParsedScope {
  readonly namespace?: Namespace;
  readonly userId?: string;
  readonly agentId?: string;
  readonly sessionId?: string;
  readonly tags?: readonly string[];
  readonly minTrust?: MinTrust;
}

/** The actor of a handle, and the scope that limits everything the handle does. */
export interface Caller {
  readonly actor: Actor;
  readonly scope: ParsedScope;
}

/** Copies a scope, so that a caller that changes the copy does not change the scope. It takes less time than `structuredClone`. */
export function copyOfScope(scope: ParsedScope): ParsedScope {
  const { namespace, tags } = scope;
  return {
    ...scope,
    ...(namespace === undefined ? {} : { namespace: [...namespace] }),
    ...(tags === undefined ? {} : { tags: [...tags] }),
  };
}

/** Stands for a scope that contains no memory: the result of narrowing a scope with another scope that excludes it. */
export const emptyScope = 'nothing';

/** Combines two scopes. The result contains the memories that are inside both. */
export function narrowScope(outer: ParsedScope, inner: ParsedScope): ParsedScope | typeof emptyScope {
  const namespace = narrowNamespace(outer.namespace, inner.namespace);
  if (namespace === emptyScope) return emptyScope;
  const tags = [...new Set([...(outer.tags ?? []), ...(inner.tags ?? [])])];
  const narrowed: { -readonly [K in keyof ParsedScope]: ParsedScope[K] } = {};
  for (const field of ['userId', 'agentId', 'sessionId'] as const) {
    const [a, b] = [outer[field], inner[field]];
    if (a !== undefined && b !== undefined && a !== b) return emptyScope;
    const value = b ?? a;
    if (value !== undefined) narrowed[field] = value;
  }
  if (namespace !== undefined) narrowed.namespace = namespace;
  if (tags.length > 0) narrowed.tags = tags;
  const minTrust = higherTrust(outer.minTrust, inner.minTrust);
  if (minTrust !== undefined) narrowed.minTrust = minTrust;
  return narrowed;
}

function higherTrust(a: MinTrust | undefined, b: MinTrust | undefined): MinTrust | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return trustLevelOf(a) >= trustLevelOf(b) ? a : b;
}

/** Makes the error for `within` with a scope that is outside the handle's scope. */
export function outsideScope(): MemoryError {
  const message = 'expected a scope inside the scope of the handle, got a scope outside it.';
  return invalidInput([{ path: [], message }], 'scope');
}

/** Returns the deeper of two namespaces if one contains the other. */
export function narrowNamespace(outer: Namespace | undefined, inner: Namespace | undefined) {
  if (outer === undefined || inner === undefined) return inner ?? outer;
  if (contains(outer, inner)) return inner;
  return contains(inner, outer) ? outer : emptyScope;
}

/** The fields of a memory that determine whether it is inside a scope. */
export interface ScopedFields {
  readonly namespace: Namespace;
  readonly userId?: string | undefined;
  readonly agentId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly tags: readonly string[];
}

/** Collects the scoped fields of a memory that an actor is about to write. */
export function scopedFieldsOf(
  { party }: Actor,
  { namespace, userId, sessionId, tags }: Omit<ScopedFields, 'agentId'>,
): ScopedFields {
  const agentId = party !== 'root' && party.kind === 'agent' ? party.id : undefined;
  return { namespace, tags, userId, sessionId, agentId };
}

/** Checks whether a memory is inside a scope. */
export function isInScope(scope: ParsedScope, memory: ScopedFields): boolean {
  return (
    (scope.namespace === undefined || contains(scope.namespace, memory.namespace)) &&
    (scope.userId === undefined || scope.userId === memory.userId) &&
    (scope.agentId === undefined || scope.agentId === memory.agentId) &&
    (scope.sessionId === undefined || scope.sessionId === memory.sessionId) &&
    (scope.tags ?? []).every((tag) => memory.tags.includes(tag))
  );
}
