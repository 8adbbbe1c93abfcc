import type { Progress } from '../domain/calls';
import type { Limits } from '../domain/limits';
import type { EncodedError } from './encoded-errors';
import type { Encoded } from './encoded-values';

/** Changes with every change of what is said here. Both sides must speak the same. */
export const protocol = 1;

/** Of one message: more than any answer should be, and less than a string can hold. */
export const maxMessageBytes = 128 * 2 ** 20;
/** Of the first message of a connection, from somebody who is not known yet. */
export const maxHelloBytes = 4096;

/** The first message of a client. */
export interface Hello {
  readonly hello: number;
  readonly token: string;
  /** Names the client as long as it lives, whatever it is connected to. */
  readonly client: string;
}

/** One call. `who` is a carried `Who`, as text, by which the holder finds the handle again. */
export interface CallMessage {
  readonly t: 'call';
  readonly id: number;
  readonly who: string;
  readonly op: string;
  readonly args: Encoded;
  /** Its signal was aborted before it was sent. */
  readonly aborted?: boolean;
  /** The number of a write, or of the first of several, and below which the client has all answers. */
  readonly number?: number;
  readonly answered?: number;
}

export type ClientMessage = CallMessage | { readonly t: 'cancel'; readonly id: number };

export type HolderMessage =
  | { readonly t: 'welcome'; readonly protocol: number; readonly limits: Limits }
  /** Instead of a welcome. */
  | { readonly t: 'unwelcome'; readonly error: EncodedError }
  | { readonly t: 'answer'; readonly id: number; readonly value: Encoded }
  | { readonly t: 'refusal'; readonly id: number; readonly error: EncodedError }
  /** The call was cancelled, and nothing came of it. */
  | { readonly t: 'cancelled'; readonly id: number }
  | { readonly t: 'progress'; readonly id: number; readonly progress: Progress }
  /** The call was not begun, because the store closes. */
  | { readonly t: 'later'; readonly id: number }
  /** No answer comes after it. */
  | { readonly t: 'closing' };

/** Whose handle: of the host itself, or of a principal inside scopes, each within the one before. */
export interface Who {
  readonly principal: unknown;
  readonly scopes: readonly unknown[];
}

export function isHello(message: unknown): message is Hello {
  if (!isRecord(message)) return false;
  return typeof message.hello === 'number' && typeof message.token === 'string' && typeof message.client === 'string';
}

export function isClientMessage(message: unknown): message is ClientMessage {
  if (!isRecord(message) || !isNumber(message.id)) return false;
  if (message.t === 'cancel') return true;
  const { who, op, args, number, answered } = message;
  return (
    message.t === 'call' &&
    typeof who === 'string' &&
    typeof op === 'string' &&
    isCarried(args) &&
    (number === undefined ? answered === undefined : isNumber(number) && isNumber(answered))
  );
}

/** Whether a message of that text, and so much beside it, fits into one frame. */
export function fits(json: string, besideBytes = 0): boolean {
  const bytes = maxMessageBytes - besideBytes;
  // A character of JavaScript has at most three bytes in UTF-8.
  return json.length * 3 <= bytes || Buffer.byteLength(json) <= bytes;
}

export function isCarried(value: unknown): value is Encoded {
  return Array.isArray(value) && value.length === 2 && Array.isArray(value[1]);
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
