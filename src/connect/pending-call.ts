import type { Progress } from '../domain/calls';
import { invalidInput, MemoryError } from '../domain/errors';
import { type CallDeps, encodeValue } from './encoded-values';
import { fits, maxMessageBytes } from './protocol';

/**
 * What becomes of a call whose answer is lost: `read` is asked again; `once` is asked again under its number, by which the holder
 * knows what it has done; `unsure` is told with OUTCOME_UNKNOWN.
 */
export type Kind = 'read' | 'once' | 'unsure';

/** What is asked, and of whom. */
export interface Question {
  readonly op: string;
  /** A carried `Who` as text, quoted as JSON. */
  readonly who: string;
  readonly args: readonly unknown[];
  readonly kind: Kind;
  /** How many numbers a `once` takes: one for each write. Default: 1. */
  readonly writes?: number;
}

/** A call that was not answered yet. */
export class PendingCall {
  readonly id: number;
  readonly kind: Kind;
  readonly answer: Promise<unknown>;
  /** The first of its numbers. */
  readonly number: number | undefined;
  /** A holder may have begun it. */
  wasSent = false;
  readonly parts: CallDeps = {};
  readonly #head: string;
  readonly #args: string;
  #settle: { resolve(value: unknown): void; reject(error: unknown): void } | undefined;

  /** @throws INVALID_INPUT for more than fits into a message */
  constructor(id: number, number: number | undefined, { op, who, args, kind }: Question) {
    this.id = id;
    this.kind = kind;
    this.number = number;
    this.#head = `{"t":"call","id":${id},"op":"${op}","who":${who},"args":`;
    // Now, because a caller may use its objects again.
    this.#args = textOf(args, this.parts);
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  get isSettled(): boolean {
    return this.#settle === undefined;
  }

  /** As it is sent. */
  text(answered: number): string {
    const number = this.number === undefined ? '' : `,"number":${this.number},"answered":${answered}`;
    const aborted = this.parts.signal?.aborted ? ',"aborted":true' : '';
    return `${this.#head}${this.#args}${number}${aborted}}`;
  }

  /** The connection ended under it. */
  lost(): void {
    if (this.parts.signal?.aborted) this.giveUp(this.parts.signal.reason);
    else if (this.kind === 'unsure' && this.wasSent) this.giveUp(undefined);
  }

  /** Ends it without an answer. A write that may have been done says so. */
  giveUp(cause: unknown): void {
    this.reject(this.kind === 'read' || !this.wasSent ? cause : outcomeUnknown(cause));
  }

  progress(progress: Progress): void {
    try {
      this.parts.onProgress?.(progress);
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
    'The holder of the folder died before it answered: what was asked may have been done, or not. Look, or ask again where that is harmless.';
  return new MemoryError('OUTCOME_UNKNOWN', message, cause === undefined ? {} : { cause });
}

// What stands around the arguments: ids, a principal and its scopes.
const headBytes = 200_000;

function textOf(args: readonly unknown[], deps: CallDeps): string {
  const tooLarge = () =>
    invalidInput([{ path: [], message: `It is larger than ${maxMessageBytes - headBytes} bytes: ask in parts.` }]);
  let text: string;
  try {
    text = JSON.stringify(encodeValue(args, deps));
  } catch (error) {
    // Longer than a string can be.
    if (error instanceof RangeError) throw tooLarge();
    throw error;
  }
  if (!fits(text, headBytes)) throw tooLarge();
  return text;
}
