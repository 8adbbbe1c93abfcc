import type { Progress } from '../domain/calls';
import type { Limits } from '../domain/limits';
import type { Encoded, EncodedError } from './encoding';

/**
 * The version of the protocol. It covers the messages below, the operations, and the types that operations take and return. The client
 * and the serving process must have the same version. The greeting (`Hello`, 'welcome', 'unwelcome') is the same in all versions.
 */
export const protocol = 2;

/** The maximum length of a message. No answer should need more, and a JavaScript string of this length is possible. */
export const maxMessageBytes = 128 * 2 ** 20;
/** The maximum length of a client's first message. It is small, because the client has not shown its token yet. */
export const maxHelloBytes = 4096;

/** The first message from a client. */
export interface Hello {
  /** The protocol version of the client. */
  readonly hello: number;
  readonly token: string;
  /** A random id. The client keeps it when it connects to another serving process. */
  readonly client: string;
}

/** A message that calls an operation on a handle. */
export interface CallMessage {
  readonly t: 'call';
  readonly id: number;
  /** An encoded `HandleSpec`, as JSON text. */
  readonly handle: string;
  readonly op: string;
  readonly args: Encoded;
  /** True if the caller's signal was aborted before the call was sent. */
  readonly aborted?: boolean;
  /** The request number of a deduplicated call. A call with several writes has one number for each; this is the first. */
  readonly number?: number;
  /** The client has received the answers to all requests with numbers below this one. */
  readonly answered?: number;
}

export type ClientMessage = CallMessage | { readonly t: 'cancel'; readonly id: number };

export type ServerMessage =
  | { readonly t: 'welcome'; readonly protocol: number; readonly limits: Limits }
  /** The client is not accepted. */
  | { readonly t: 'unwelcome'; readonly error: EncodedError }
  | { readonly t: 'answer'; readonly id: number; readonly value: Encoded }
  | { readonly t: 'error'; readonly id: number; readonly error: EncodedError }
  /** The call was cancelled and had no effect. */
  | { readonly t: 'cancelled'; readonly id: number }
  | { readonly t: 'progress'; readonly id: number; readonly progress: Progress }
  /** The call was not started, because the store is closing. */
  | { readonly t: 'not-started'; readonly id: number }
  /** The last message: the store is closing. */
  | { readonly t: 'closing' };

/**
 * Identifies the handle that a call is for. `principal` is null for the host's own handle. For other handles, each scope narrows the
 * scope before it.
 */
export interface HandleSpec {
  readonly principal: unknown;
  readonly scopes: readonly unknown[];
}

export function isHello(message: unknown): message is Hello {
  if (!isObject(message)) return false;
  return typeof message.hello === 'number' && typeof message.token === 'string' && typeof message.client === 'string';
}

export function isClientMessage(message: unknown): message is ClientMessage {
  if (!isObject(message) || !isCount(message.id)) return false;
  if (message.t === 'cancel') return true;
  const { handle, op, args, number, answered } = message;
  return (
    message.t === 'call' &&
    typeof handle === 'string' &&
    typeof op === 'string' &&
    isEncoded(args) &&
    (number === undefined ? answered === undefined : isCount(number) && isCount(answered))
  );
}

/** Checks whether a message with this JSON and this number of other bytes is short enough. */
export function fitsMessage(json: string, otherBytes = 0): boolean {
  const bytes = maxMessageBytes - otherBytes;
  // A UTF-16 code unit takes at most three bytes in UTF-8, so short strings need no exact count.
  return json.length * 3 <= bytes || Buffer.byteLength(json) <= bytes;
}

export function isEncoded(value: unknown): value is Encoded {
  return Array.isArray(value) && value.length === 2 && Array.isArray(value[1]);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
