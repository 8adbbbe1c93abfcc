import { MemoryError } from '../../domain/errors';

const rebuild =
  'Do not repair or delete single files. Remove this node from the cluster, move its folder away, and add it again as a new node: it gets its state from the other nodes.';

/** Makes the error for a file whose content is not what this node has stored. */
export function damagedFile(path: string, reason: string): MemoryError {
  const message = `${path} is damaged: ${reason}. This node stops, so that it neither serves a wrong log nor votes twice. ${rebuild}`;
  return new MemoryError('RECORD_DAMAGED', message, { retryable: false });
}

/** Makes the error for a folder that another user may write, or that is not a folder. */
export function unsafeFolder(path: string, found: string): MemoryError {
  const message = `${path} ${found}. A node trusts its folder with its votes: move this away, and start again.`;
  return new MemoryError('FILE_FAILED', message, { retryable: false });
}

/** Makes the error for a file of a newer release. */
export function newerFile(path: string): MemoryError {
  const message = `${path} was written by a newer release of this library. Upgrade this library, then start the node again.`;
  return new MemoryError('STORE_NEWER', message);
}

/** Makes the error for a call after `close`. */
export function closedStorage(): MemoryError {
  return new MemoryError('STORE_CLOSED', 'The storage of this node is closed. Nothing was stored.');
}

/** Makes the error for a call after one that the disk could not confirm. */
export function endedStorage(path: string, cause: unknown): MemoryError {
  const message = `The disk could not confirm what this node has stored in ${path} (${codeOf(cause)}). The node stops, because a part of it may be lost. Check the disk, then start the node again.`;
  return new MemoryError('FILE_FAILED', message, { cause, retryable: false });
}

/** Makes the error for a file that cannot be opened, read or written. A full disk gets a code of its own. */
export function failedFile(path: string, cause: unknown): MemoryError {
  if (MemoryError.is(cause)) return cause;
  if (isFull(cause)) return fullDisk(path, cause);
  const message = `${path} failed (${codeOf(cause)}). Check the disk and the permissions of this file, then start the node again.`;
  return new MemoryError('FILE_FAILED', message, { cause, retryable: false });
}

/** Makes the error for entries or a snapshot for which there is no room. */
export function fullDisk(path: string, cause?: unknown): MemoryError {
  const message = `The disk of ${path} is full. This node stores no entries and no snapshots until there is room; it still stores its votes. Make room on the disk.`;
  return new MemoryError('DISK_FULL', message, { cause });
}

/** Whether an error of the file system says that there is no room. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
}

/** The code of an error of the file system, or the name of another error. */
export function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return String(code ?? name);
}
