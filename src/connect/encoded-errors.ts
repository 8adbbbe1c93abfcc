import { type ErrorCode, type Issue, MemoryError } from '../domain/errors';

/** An error on its way to another process. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  /** Of a MemoryError. */
  readonly code?: ErrorCode;
  readonly retryable?: boolean;
  readonly issues?: readonly Issue[];
  readonly cause?: EncodedError;
}

// Causes of causes: the last ones say nothing that a reader of a log needs.
const maxCauses = 4;

/** Everything of an error but its stack, which is about the other process. */
export function encodeError(error: unknown, causes = maxCauses): EncodedError {
  if (!(error instanceof Error) && !MemoryError.is(error)) return { name: 'Error', message: String(error) };
  const { name, message, cause } = error;
  const carried = cause === undefined || causes === 0 ? {} : { cause: encodeError(cause, causes - 1) };
  if (!MemoryError.is(error)) return { name, message, ...carried };
  const { code, retryable, issues } = error;
  return { name, message, code, retryable, issues, ...carried };
}

/** The error as the call would have thrown it here. */
export function decodeError({ name, message, code, retryable, issues, cause }: EncodedError): Error {
  const because = cause === undefined ? {} : { cause: decodeError(cause) };
  if (code !== undefined) {
    return new MemoryError(code, message, { retryable: retryable ?? false, issues: issues ?? [], ...because });
  }
  const error = new Error(message, because);
  if (name !== 'Error') Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  return error;
}
