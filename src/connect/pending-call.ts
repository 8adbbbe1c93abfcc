import type { Progress } from '../domain/calls';
import { invalidInput, MemoryError } from '../domain/errors';
import { isErrorNamed } from '../domain/realms';
import { encodeValue, type LocalOptions } from './encoding';
import type { OperationName, RetryPolicy } from './operations';
import { fitsMessage, maxMessageBytes } from './protocol';

/** What the caller passes to call an operation. */
export interface CallRequest {
  readonly op: OperationName;
  /** A `HandleSpec`, encoded to JSON text, and this text once more encoded as a JSON string. */
  readonly handle: string;
  readonly args: readonly unknown[];
  readonly retry: RetryPolicy;
  /** How many request numbers a deduplicated call needs: one for each write. Default: 1. */
  readonly writes?: number;
}

/** A call that was not answered yet. */
export class PendingCall {
  readonly id: number;
  readonly retry: RetryPolicy;
  readonly answer: Promise<unknown>;
  /** The first request number of a deduplicated call. */
  readonly number: number | undefined;
  /** True if a serving process may have started the call. */
  wasSent = false;
  readonly local: LocalOptions = {};
  readonly #head: string;
  readonly #args: string;
  #settle: { resolve(value: unknown): void; reject(error: unknown): void } | undefined;

  /** @throws INVALID_INPUT if the arguments do not fit into one message */
  constructor(id: number, number: number | undefined, { op, handle, args, retry }: CallRequest) {
    this.id = id;
    this.retry = retry;
    this.number = number;
    this.#head = `{"t":"call","id":${id},"op":"${op}","handle":${handle},"args":`;
    // The arguments are encoded now, because the caller may change its objects before the call is sent.
    this.#args = encodeArgs(args, this.local);
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  get isSettled(): boolean {
    return this.#settle === undefined;
  }

  /** Builds the message in JSON. */
  message(answered: number): string {
    const number = this.number === undefined ? '' : `,"number":${this.number},"answered":${answered}`;
    const aborted = this.local.signal?.aborted ? ',"aborted":true' : '';
    return `${this.#head}${this.#args}${number}${aborted}}`;
  }

  /** Must be called when the connection has ended. Ends the call if it cannot be sent again. */
  onConnectionLost(): void {
    if (this.local.signal?.aborted) this.fail(this.local.signal.reason);
    else if (this.retry === 'never' && this.wasSent) this.fail(undefined);
  }

  /** Ends the call without an answer. It rejects with OUTCOME_UNKNOWN if it may have taken effect, and otherwise with the cause. */
  fail(cause: unknown): void {
    this.reject(this.retry === 'always' || !this.wasSent ? cause : outcomeUnknown(cause));
  }

  progress(progress: Progress): void {
    try {
      this.local.onProgress?.(progress);
    } catch (error) {
      this.reject(error);
    }
  }

  resolve(value: unknown): void {
    this.#settle?.resolve(value);
    this.#settle = undefined;
  }

  reject(error: unknown): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }
}

function outcomeUnknown(cause: unknown): MemoryError {
  const message =
    'The connection ended before the answer arrived: the call may or may not have taken effect. Check the store, or repeat the call if that is harmless.';
  return new MemoryError('OUTCOME_UNKNOWN', message, cause === undefined ? {} : { cause });
}

// The number of bytes that are reserved for the rest of the message: the ids, a principal and its scopes.
const headBytes = 200_000;

function encodeArgs(args: readonly unknown[], local: LocalOptions): string {
  const tooLarge = () => {
    const message = `expected at most ${maxMessageBytes - headBytes} bytes, got more. Split the input over several calls.`;
    return invalidInput([{ path: [], message }]);
  };
  let json: string;
  try {
    json = JSON.stringify(encodeValue(args, local));
  } catch (error) {
    // The JSON is longer than the longest string that V8 supports.
    if (isErrorNamed(error, 'RangeError')) throw tooLarge();
    throw error;
  }
  if (!fitsMessage(json, headBytes)) throw tooLarge();
  return json;
}
