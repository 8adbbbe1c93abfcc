import { setMaxListeners } from 'node:events';
import { MemoryError } from '../domain/errors';
import type { Limits } from '../domain/limits';
import { pause, startStopwatch } from '../environment/timers';
import { type CallShapes, callShapes } from '../store/call-shapes';
import type { Channel } from './channel';
import { dial } from './dial';
import { decodeError } from './encoded-errors';
import { decodeValue } from './encoded-values';
import { PendingCall, type Question } from './pending-call';
import type { HolderMessage } from './protocol';

/** What a link needs. */
export interface LinkDeps {
  readonly folder: string;
  /** Names this client, at random. */
  readonly client: string;
  /** How long a call waits for a holder. */
  readonly waitMs: number;
  /** Opens the folder and serves it. Rejects with STORE_HELD where another process holds it. */
  readonly takeOver: (() => Promise<{ close(): Promise<void> }>) | undefined;
  /** By chance at least 0 and below 1. */
  jitter(): number;
}

const leastPauseMs = 5;
const mostPauseMs = 100;

/** Calls to whoever holds the folder: one holder after the other, in the order in which they were made. */
export class ReconnectingClient {
  readonly #deps: LinkDeps;
  readonly #ending = new AbortController();
  readonly #calls = new Map<number, PendingCall>();
  /** Those with a number, for the least that was not answered. */
  readonly #writes = new Map<number, PendingCall>();
  #channel: Channel | undefined;
  #reaching: Promise<void> | undefined;
  #held: { close(): Promise<void> } | undefined;
  #limits: Limits | undefined;
  #shapes: CallShapes | undefined;
  #nextId = 0;
  #nextNumber = 0;
  #closing: Promise<void> | undefined;
  /** Ends a pause in which nobody waited. */
  #idling: AbortController | undefined;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    // As many calls as there are under way listen to it: that is no leak, of which Node would warn.
    setMaxListeners(0, this.#ending.signal);
  }

  /** Aborted, with STORE_CLOSED, when this side closes. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /** The shapes of calls under the limits of the last holder. */
  get shapes(): CallShapes {
    if (this.#shapes === undefined) throw new Error('The limits are known once a holder was reached.');
    return this.#shapes;
  }

  /** @throws STORE_CLOSED */
  assertOpen(): void {
    if (this.#ending.signal.aborted) throw closed();
  }

  /** Connects, and takes over where that was asked for and nobody is there. */
  reach(): Promise<void> {
    if (this.#channel !== undefined) return Promise.resolve();
    this.#reaching ??= this.#reach();
    return this.#reaching;
  }

  /** Asks, as often as it takes. */
  async ask(question: Question): Promise<unknown> {
    this.assertOpen();
    const number = question.kind === 'once' ? this.#nextNumber : undefined;
    const calling = new PendingCall(this.#nextId++, number, question);
    if (number !== undefined) this.#nextNumber += question.writes ?? 1;
    const { signal } = calling.parts;
    const onAbort = () => this.#abort(calling);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#begin(calling);
    try {
      return await calling.answer;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#end(calling);
    }
  }

  /** Waits for the writes that were asked for, then leaves; what this process holds is given back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#ending.abort(closed());
    this.#idling?.abort();
    for (const calling of this.#calls.values()) if (calling.kind === 'read') calling.reject(closed());
    const writes = [...this.#calls.values()].filter(({ kind }) => kind !== 'read');
    await Promise.allSettled(writes.map(({ answer }) => answer));
    await this.#reaching?.catch(() => undefined);
    this.#channel?.destroy();
    await this.#held?.close();
  }

  #begin(calling: PendingCall): void {
    this.#calls.set(calling.id, calling);
    if (calling.number !== undefined) this.#writes.set(calling.number, calling);
    this.#channel?.keepAlive(true);
    if (this.#channel !== undefined) this.#send(calling, this.#channel);
    else void this.reach().catch(() => undefined);
    this.#idling?.abort();
  }

  #end(calling: PendingCall): void {
    this.#calls.delete(calling.id);
    if (calling.number !== undefined) this.#writes.delete(calling.number);
    this.#channel?.keepAlive(this.#calls.size > 0);
  }

  #send(calling: PendingCall, channel: Channel): void {
    if (calling.isSettled) return;
    calling.wasSent = true;
    const [least = this.#nextNumber] = this.#writes.keys();
    channel.sendText(calling.text(least));
  }

  #abort(calling: PendingCall): void {
    if (this.#channel !== undefined && calling.wasSent) this.#channel.send({ t: 'cancel', id: calling.id });
    else calling.giveUp(calling.parts.signal?.reason);
  }

  async #reach(): Promise<void> {
    const elapsedMs = startStopwatch();
    for (let attempt = 0; this.#channel === undefined; attempt++) {
      const failure = await this.#attempt().catch((error: unknown) => ({ error, isPassing: false }));
      if (failure === undefined) continue;
      const hasTime = elapsedMs() < this.#deps.waitMs && !(this.ended.aborted && this.#calls.size === 0);
      if (!failure.isPassing || !hasTime) {
        this.#reaching = undefined;
        for (const calling of this.#calls.values()) calling.giveUp(failure.error);
        throw failure.error;
      }
      const ms = Math.min(mostPauseMs, leastPauseMs * 2 ** attempt) * (1 + this.#deps.jitter());
      await this.#pause(ms);
    }
    this.#reaching = undefined;
  }

  /** Keeps the process alive for whoever waits for `connect` or for an answer, be it that they begin to wait meanwhile. */
  async #pause(ms: number): Promise<void> {
    const keepsAlive = this.#limits === undefined || this.#calls.size > 0;
    const woken = new AbortController();
    if (!keepsAlive) this.#idling = woken;
    await pause(ms, woken.signal, { keepsAlive });
    this.#idling = undefined;
  }

  /** Undefined where there is a connection now, or a reason to try at once; else why there is none yet. */
  async #attempt(): Promise<{ error: unknown; isPassing: boolean } | undefined> {
    const { folder, client, takeOver } = this.#deps;
    try {
      const line = await dial(folder, client, {
        onMessage: (message) => this.#onMessage(message as HolderMessage),
        onEnd: (channel) => this.#onEnd(channel),
      });
      if (!line.channel.hasEnded) this.#onConnected(line);
      return undefined;
    } catch (error) {
      if (!isPassing(error)) throw error;
      const isLeaving = this.ended.aborted && this.#calls.size === 0;
      if (takeOver === undefined || this.#held !== undefined || isLeaving) return { error, isPassing: true };
    }
    try {
      this.#held = await takeOver();
      return undefined;
    } catch (error) {
      if (MemoryError.is(error) && error.code === 'STORE_HELD') return { error, isPassing: true };
      throw error;
    }
  }

  #onConnected({ channel, limits }: { channel: Channel; limits: Limits }): void {
    this.#channel = channel;
    if (JSON.stringify(limits) !== JSON.stringify(this.#limits)) this.#shapes = callShapes(limits);
    this.#limits = limits;
    channel.keepAlive(this.#calls.size > 0);
    for (const calling of this.#calls.values()) this.#send(calling, channel);
  }

  #onEnd(channel: Channel): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    for (const calling of this.#calls.values()) calling.lost();
    const isWanted = this.#calls.size > 0 || (this.#deps.takeOver !== undefined && !this.ended.aborted);
    if (isWanted) void this.reach().catch(() => undefined);
  }

  #onMessage(message: HolderMessage): void {
    if (message.t === 'closing') this.#onClosing();
    if (!('id' in message)) return;
    const calling = this.#calls.get(message.id);
    if (calling === undefined) return;
    switch (message.t) {
      case 'answer':
        calling.resolve(decodeValue(message.value));
        break;
      case 'refusal':
        calling.reject(decodeError(message.error));
        break;
      case 'cancelled':
        calling.reject(calling.parts.signal?.reason);
        break;
      case 'progress':
        calling.progress(message.progress);
        break;
      case 'later':
        calling.wasSent = false;
        break;
    }
  }

  #onClosing(): void {
    // What was not answered by now was not begun.
    for (const calling of this.#calls.values()) calling.wasSent = false;
    this.#channel?.destroy();
  }
}

function isPassing(error: unknown): error is MemoryError {
  return MemoryError.is(error) && error.code === 'STORE_UNREACHABLE' && error.retryable;
}

function closed(): MemoryError {
  return new MemoryError('STORE_CLOSED', 'The connection to the store is closed: connect again, and take new handles.');
}
