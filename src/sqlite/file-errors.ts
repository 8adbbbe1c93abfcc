import { invalidInput, MemoryError } from '../domain/errors';
import { isError } from '../domain/realms';

interface FileSystemError extends Error {
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
}

/** The advice for each error code. A failure with another code is a fault of the disk or the machine, and may be temporary. */
const remedies: Readonly<Record<string, string>> = {
  EACCES: 'Give the user of this process access to it, or open the store as the user that owns it.',
  EPERM: 'Give the user of this process access to it, or open the store as the user that owns it.',
  EROFS: 'The file system is mounted read-only: open the store with { readOnly: true }, or use another folder.',
  ENOTDIR: 'A part of the path is a file: choose another path.',
  EISDIR: 'A folder is in the place of a file of the store: choose another path, or move that folder away.',
  EEXIST: 'A file is in the place of a folder: choose another path.',
  ENOENT: 'Check the path.',
  ENAMETOOLONG: 'Choose a shorter path.',
  ELOOP: 'A symbolic link leads back to itself: choose another path.',
  EINVAL: 'Choose another path.',
  ENOTEMPTY: 'Choose an empty folder.',
};

const limitRemedies: Readonly<Record<string, string>> = {
  EMFILE: 'This process has too many files open. Close some, or raise its limit (ulimit -n), then try again.',
  ENFILE: 'The machine has too many files open. Close some, then try again.',
};

/**
 * Converts an error of the file system to a MemoryError that names the file and contains advice. Returns any other error unchanged.
 * Does not convert the error of a full disk.
 */
export function fromFileSystem(error: unknown): unknown {
  if (!isFileSystemError(error)) return error;
  const { code, syscall, path } = error;
  const what = path === undefined ? `A file of the store failed` : `${path} failed`;
  const remedy = remedies[code];
  const failure = `the operation ${syscall} on ${path ?? 'a file of the store'} failed with ${code}`;
  if (remedy !== undefined) {
    const message = `expected a folder that can be used, but ${failure}. ${remedy}`;
    return Object.assign(invalidInput([{ path: ['folder'], message }], 'folder'), { cause: error });
  }
  const message = `${what} (${syscall}: ${code}). ${limitRemedies[code] ?? 'Check the disk and its file system, then try again.'}`;
  return new MemoryError('FILE_FAILED', message, { cause: error });
}

// The system calls on files. Errors of other calls, such as those of the network, are not about files of a store.
const fileCalls: ReadonlySet<string> = new Set(
  'access chmod close copyfile fsync ftruncate link lstat mkdir mkdtemp open opendir read readlink realpath rename rm rmdir scandir stat statfs unlink utime write'.split(
    ' ',
  ),
);

function isFileSystemError(error: unknown): error is FileSystemError {
  return (
    isError(error) &&
    'syscall' in error &&
    typeof error.syscall === 'string' &&
    fileCalls.has(error.syscall.replace(/^f(?=stat|chmod|utime)/, '')) &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^E[A-Z0-9]+$/.test(error.code) &&
    !MemoryError.is(error)
  );
}
