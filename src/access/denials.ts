import { type ExceededQuota, MemoryError } from '../domain/errors';
import { type Namespace, showNamespace } from '../domain/namespace';
import type { QuotaKind } from '../domain/quota';
import { belongsToAuthor, type MemoryAction } from './authorise';

/** Makes a NOT_FOUND error. The message is the same for a memory that does not exist and for one that the caller may not read. */
export function noSuchMemory(id: string): MemoryError {
  const message = `Memory ${JSON.stringify(id)} was not found: it does not exist, or this handle may not read it.`;
  return new MemoryError('NOT_FOUND', message);
}

/** Makes a FORBIDDEN error for a memory that the caller may read but not change in this way. */
export function forbiddenChange(id: string, action: MemoryAction, namespace: Namespace): MemoryError {
  return new MemoryError('FORBIDDEN', `Not allowed to ${action} ${id}: requires ${rightsFor(action, namespace)}.`);
}

/** Makes a FORBIDDEN error for a memory that is more trusted than the actor that wants to change it. */
export function forbiddenByTrust(id: string, action: MemoryAction | 'endorse', namespace: Namespace): MemoryError {
  const message = `Not allowed to ${action} ${id}: it is more trusted than this principal, whose ceiling in ${showNamespace(namespace)} is lower. Store what differs as a new memory.`;
  return new MemoryError('FORBIDDEN', message);
}

/** Describes the rights that an action on a memory requires, as a phrase for messages. For the author's own memory, `write` is enough. */
export function rightsFor(action: MemoryAction, namespace: Namespace): string {
  const asAuthor = belongsToAuthor(action) ? ' (or `write`, as its author)' : '';
  return `\`${action}\` in ${showNamespace(namespace)}${asAuthor} and no deny rule`;
}

/**
 * Makes a FORBIDDEN error for a write outside the scope of its handle.
 *
 * @param subject The subject of the message, such as 'The memory'.
 */
export function outsideScope(subject: string): MemoryError {
  const message = `${subject} is outside the scope of this handle. Use a handle with a wider scope.`;
  return new MemoryError('FORBIDDEN', message);
}

const unitOf: Readonly<Record<QuotaKind, string>> = {
  memories: 'memories',
  bytes: 'bytes of texts and metadata',
  namespaces: 'namespaces with memories',
  tags: 'different tags',
  watches: 'watches at the same time',
};

/** Makes the error for a principal that has used up its quota. */
export function quotaExceeded(quota: ExceededQuota): MemoryError {
  const { kind, used, limit } = quota;
  const remedy = kind === 'watches' ? 'End another watch' : 'Forget memories that are no longer needed';
  const message = `Quota exceeded: at most ${limit} ${unitOf[kind]}, and ${used} are in use. ${remedy}, or ask the host for a higher quota.`;
  return new MemoryError('QUOTA_EXCEEDED', message, { quota });
}
