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
 * Asserts that a writer may put a memory with these labels into the store. The proposer asks before it embeds a text, and `apply`
 * asks again, because the rules may have changed in between.
 *
 * A write requires: the memory is inside the scope of the handle; `write` in its namespace; a clearance for each of its access tags;
 * and `read` if it has a key, because the result of the write reveals whether the key exists.
 *
 * @param subject The memory as the subject of a sentence, for the message: 'The memory'.
 * @param scoped The fields of the memory that the scope is compared with.
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
