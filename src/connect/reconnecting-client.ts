import { setMaxListeners } from 'node:events';
import { MemoryError } from '../domain/errors';
import { pause, startStopwatch } from '../environment/timers';
import { type CallShapes, callShapes } from '../store/call-shapes';
import type { Channel } from './channel';
import { type Connection, dial } from './dial';
import { decodeError, decodeValue } from './encoding';
import { type CallRequest, PendingCall } from './pending-call';
import type { ServerMessage } from './protocol';

export interface ReconnectingClientDeps {
  readonly folder: string;
  /** A random id for this client. */
  readonly clientId: string;
  /** How many milliseconds a call waits for a serving process. */
  readonly waitMs: number;
  /** Opens and serves the folder. Rejects with STORE_HELD if another process has opened it. If undefined, the client never takes over. */
  readonly takeOver: (() => Promise<OwnStore>) | undefined;
  /** Returns a random number that is at least 0 and less than 1. */
  jitter(): number;
}

/** The store that this process serves itself after it has taken over. */
interface OwnStore {
  close(): Promise<void>;
}

const firstPauseMs = 5;
const longestPauseMs = 100;

/** Sends calls to the process that serves the folder, in the order in which they were made. Reconnects when another process serves it. */
export class ReconnectingClient {
  readonly #deps: ReconnectingClientDeps;
  readonly #closed = new AbortController();
  readonly #calls = new Map<number, PendingCall>();
  /** The deduplicated calls by request number, in ascending order. */
  readonly #requests = new Map<number, PendingCall>();
  #channel: Channel | undefined;
  #connecting: Promise<void> | undefined;
  #ownStore: OwnStore | undefined;
  #limits: Connection['limits'] | undefined;
  #shapes: CallShapes | undefined;
  #nextId = 0;
  #nextNumber = 0;
  #closing: Promise<void> | undefined;
  /** Ends the pause between two attempts, if the pause began when no call was waiting. */
  #idlePause: AbortController | undefined;

  constructor(deps: ReconnectingClientDeps) {
    this.#deps = deps;
    // Every running call listens to this signal. With the default limit, Node would warn about a possible leak.
    setMaxListeners(0, this.#closed.signal);
  }

  /** The signal that is aborted with STORE_CLOSED when this client closes. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** The schemas for arguments, made with the limits that the latest serving process sent. Available only after `connect`. */
  get shapes(): CallShapes {
    if (this.#shapes === undefined) throw new Error('The shapes of calls are not known before the first connection.');
    return this.#shapes;
  }

  /** @throws STORE_CLOSED */
  assertOpen(): void {
    if (this.#closed.signal.aborted) throw storeClosed();
  }

  /**
   * Connects to the serving process. If no process serves the folder and `takeOver` is set, this process takes over.
   *
   * @throws STORE_UNREACHABLE, and every error that `takeOver` throws
   */
  connect(): Promise<void> {
    if (this.#channel !== undefined) return Promise.resolve();
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  /** Sends a call until it is answered, if necessary several times. */
  async call(request: CallRequest): Promise<unknown> {
    this.assertOpen();
    const number = request.retry === 'deduplicated' ? this.#nextNumber : undefined;
    const call = new PendingCall(this.#nextId++, number, request);
    if (number !== undefined) this.#nextNumber += request.writes ?? 1;
    const { signal } = call.local;
    const onAbort = () => this.#abort(call);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#start(call);
    try {
      return await call.answer;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#finish(call);
    }
  }

  /** Rejects new calls and running reads, waits for running writes, and closes the store if this process serves it. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed.abort(storeClosed());
    this.#idlePause?.abort();
    const writes: Promise<unknown>[] = [];
    for (const call of this.#calls.values()) {
      if (call.retry === 'always') call.reject(storeClosed());
      else writes.push(call.answer);
    }
    await Promise.allSettled(writes);
    await this.#connecting?.catch(() => undefined);
    this.#channel?.destroy();
    await this.#ownStore?.close();
  }

  #start(call: PendingCall): void {
    this.#calls.set(call.id, call);
    if (call.number !== undefined) this.#requests.set(call.number, call);
    this.#channel?.keepAlive(true);
    if (this.#channel !== undefined) this.#send(call, this.#channel);
    else void this.connect().catch(() => undefined);
    this.#idlePause?.abort();
  }

  #finish(call: PendingCall): void {
    this.#calls.delete(call.id);
    if (call.number !== undefined) this.#requests.delete(call.number);
    this.#channel?.keepAlive(this.#calls.size > 0);
  }

  #send(call: PendingCall, channel: Channel): void {
    if (call.isSettled) return;
    call.wasSent = true;
    const [answered = this.#nextNumber] = this.#requests.keys();
    channel.sendJson(call.message(answered));
  }

  #abort(call: PendingCall): void {
    if (this.#channel !== undefined && call.wasSent) this.#channel.send({ t: 'cancel', id: call.id });
    else call.fail(call.local.signal?.reason);
  }

  async #connect(): Promise<void> {
    const elapsedMs = startStopwatch();
    for (let attempt = 0; this.#channel === undefined; attempt++) {
      const failure = await this.#attempt().catch((error: unknown) => ({ error, isTransient: false }));
      if (failure === undefined) continue;
      const isWorthWaiting = elapsedMs() < this.#deps.waitMs && !this.#isClosedAndIdle;
      if (!failure.isTransient || !isWorthWaiting) {
        this.#connecting = undefined;
        for (const call of this.#calls.values()) call.fail(failure.error);
        throw failure.error;
      }
      const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** attempt) * (1 + this.#deps.jitter());
      await this.#pause(ms);
    }
    this.#connecting = undefined;
  }

  /** Pauses. It keeps the process alive if the first `connect` or a call is waiting. A call that starts during the pause ends the pause. */
  async #pause(ms: number): Promise<void> {
    const keepsAlive = this.#limits === undefined || this.#calls.size > 0;
    const ended = new AbortController();
    if (!keepsAlive) this.#idlePause = ended;
    await pause(ms, ended.signal, { keepsAlive });
    this.#idlePause = undefined;
  }

  /** Tries once to connect. Resolves to undefined if it succeeded, or if the next attempt should follow immediately. */
  async #attempt(): Promise<{ error: unknown; isTransient: boolean } | undefined> {
    const { folder, clientId, takeOver } = this.#deps;
    try {
      const connection = await dial(folder, clientId, {
        onMessage: (message) => this.#onMessage(message as ServerMessage),
        onEnd: (channel) => this.#onEnd(channel),
      });
      if (!connection.channel.hasEnded) this.#onConnected(connection);
      return undefined;
    } catch (error) {
      if (!isTransient(error)) throw error;
      const mayTakeOver = this.#ownStore === undefined && !this.#isClosedAndIdle;
      if (takeOver === undefined || !mayTakeOver) return { error, isTransient: true };
    }
    try {
      this.#ownStore = await takeOver();
      return undefined;
    } catch (error) {
      if (MemoryError.is(error) && error.code === 'STORE_HELD') return { error, isTransient: true };
      throw error;
    }
  }

  get #isClosedAndIdle(): boolean {
    return this.closed.aborted && this.#calls.size === 0;
  }

  #onConnected({ channel, limits }: Connection): void {
    this.#channel = channel;
    this.#shapes = callShapes(limits);
    this.#limits = limits;
    channel.keepAlive(this.#calls.size > 0);
    for (const call of this.#calls.values()) this.#send(call, channel);
  }

  #onEnd(channel: Channel): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    for (const call of this.#calls.values()) call.onConnectionLost();
    const isNeeded = this.#calls.size > 0 || (this.#deps.takeOver !== undefined && !this.closed.aborted);
    if (isNeeded) void this.connect().catch(() => undefined);
  }

  #onMessage(message: ServerMessage): void {
    if (message.t === 'closing') this.#onClosing();
    if (!('id' in message)) return;
    const call = this.#calls.get(message.id);
    if (call === undefined) return;
    switch (message.t) {
      case 'answer':
        call.resolve(decodeValue(message.value));
        break;
      case 'error':
        call.reject(decodeError(message.error));
        break;
      case 'cancelled':
        call.reject(call.local.signal?.reason);
        break;
      case 'progress':
        call.progress(message.progress);
        break;
      case 'not-started':
        call.wasSent = false;
        break;
    }
  }

  #onClosing(): void {
    // The serving process has answered every call that it started. All other calls can safely be sent again.
    for (const call of this.#calls.values()) call.wasSent = false;
    this.#channel?.destroy();
  }
}

function isTransient(error: unknown): error is MemoryError {
  return MemoryError.is(error) && error.code === 'STORE_UNREACHABLE' && error.retryable;
}

function storeClosed(): MemoryError {
  return new MemoryError('STORE_CLOSED', 'The connection to the store is closed. Connect again and take new handles.');
}
