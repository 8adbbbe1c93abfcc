import { type ErrorCode, MemoryError } from '../../src/domain/errors';

/** Whether a call is refused with this code. */
export function isRefusedAs(code: ErrorCode, call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch (error) {
    return MemoryError.is(error) && error.code === code;
  }
}
