import type { Progress } from '../domain/calls';
import type { Limits } from '../domain/limits';
import type { Encoded, EncodedError } from './encoding';

/**
 * The version of the protocol: of the messages below, the operations, and the types that operations take and return. Client and
 * serving process must have the same version. The greeting (`Hello`, 'welcome', 'unwelcome') is the same in all versions.
 */
export const protocol = 2;

/** The longest message. It is more than any answer should take, and less than a JavaScript string can hold. */
export const maxMessageBytes = 128 * 2 ** 20;
/** The longest first message of a client, which has not shown its token yet. */
export const maxHelloBytes = 4096;

/** The first message of a client. */
export interface Hello {
  /** The protocol version of the client. */
  readonly hello: number;
  readonly token: string;
  /** A random id. The client keeps it when it connects to another serving process. */
  readonly client: string;
}

/** A call of an operation on a handle. */
export interface CallMessage {
  readonly t: 'call';
  readonly id: number;
  /** An encoded `HandleSpec`, as JSON text. */
  readonly handle: string;
  readonly op: string;
  readonly args: Encoded;
  /** The caller's signal was aborted before the call was sent. */
  readonly aborted?: boolean;
  /** The request number of a deduplicated call; of a call with several writes, the first of their consecutive numbers. */
  readonly number?: number;
  /** The client has the answers to all its requests with lower numbers. */
  readonly answered?: number;
}

export type ClientMessage = CallMessage | { readonly t: 'cancel'; readonly id: number };

export type ServerMessage =
  | { readonly t: 'welcome'; readonly protocol: number; readonly limits: Limits }
  /** The client is not accepted. */
  | { readonly t: 'unwelcome'; readonly error: EncodedError }
  | { readonly t: 'answer'; readonly id: number; readonly value: Encoded }
  | { readonly t: 'error'; readonly id: number; readonly error: EncodedError }
  /** The call was cancelled, and had no effect. */
  | { readonly t: 'cancelled'; readonly id: number }
  | { readonly t: 'progress'; readonly id: number; readonly progress: Progress }
  /** The call was not started, because the store is closing. */
  | { readonly t: 'not-started'; readonly id: number }
  /** The last message: the store is closing. */
  | { readonly t: 'closing' };

/** Which handle a call is for: the host's own (`principal` is null), or that of a principal inside scopes, each within the one before. */
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

/** Whether a message with this JSON, and this many bytes besides it, is short enough. */
export function fitsMessage(json: string, otherBytes = 0): boolean {
  const bytes = maxMessageBytes - otherBytes;
  // A UTF-16 code unit takes at most three bytes in UTF-8.
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
