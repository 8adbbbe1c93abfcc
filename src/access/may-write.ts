import { MemoryError } from '../domain/errors';
import { type Namespace, showNamespace } from '../domain/namespace';
import { type Caller, isInScope, type ScopedFields } from '../domain/scope';
import { isCleared, mayIn, mayRead } from './authorise';
import { outsideScope } from './denials';
import type { Policy } from './policy';

/** The labels of a memory that is about to be written. */
export interface WrittenLabels {
  readonly namespace: Namespace;
  readonly accessTags?: readonly string[] | undefined;
  readonly key?: string | undefined;
}

/**
 * Checks that a writer may store a memory with these labels. The call makes this check before it embeds the text. `apply` repeats the
 * check, because the rules may have changed in between.
 *
 * The memory must be inside the scope of the handle. The writer needs `write` in its namespace and a clearance for each of its access
 * tags. If the memory has a key, the writer also needs `read`, because the result of the write reveals whether the key exists.
 *
 * @param subject The subject of the message, such as 'The memory'.
 * @param scoped The fields of the memory that are compared with the scope.
 * @throws FORBIDDEN
 */
export function assertMayWrite(
  policy: Policy,
  { actor, scope }: Caller,
  subject: string,
  scoped: ScopedFields,
  { namespace, accessTags = [], key }: WrittenLabels,
): void {
  if (!isInScope(scope, scoped)) throw outsideScope(subject);
  if (!mayIn(policy, actor, 'write', namespace)) {
    throw forbidden(`write in ${showNamespace(namespace)}`, '`write` there and no deny rule');
  }
  if (!isCleared(policy, actor, accessTags, namespace)) {
    const what = `put the access tags ${JSON.stringify(accessTags)} on a memory in ${showNamespace(namespace)}`;
    throw forbidden(what, 'a clearance for each of them');
  }
  if (key !== undefined && !mayRead(policy, actor, { namespace, accessTags })) {
    const what = `use the key ${JSON.stringify(key)} in ${showNamespace(namespace)}`;
    throw forbidden(what, '`read` there, because the result reveals whether the key exists');
  }
}

function forbidden(what: string, required: string): MemoryError {
  return new MemoryError('FORBIDDEN', `Not allowed to ${what}: requires ${required}.`);
}
