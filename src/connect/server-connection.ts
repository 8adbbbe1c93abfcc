import type { Socket } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Progress } from '../domain/calls';
import { invalidInput, MemoryError } from '../domain/errors';
import { parse, parseAll } from '../domain/parse/shapes';
import { root } from '../domain/principal';
import { isErrorNamed } from '../domain/realms';
import { emptyScope, narrowScope, outsideScope, type ParsedScope } from '../domain/scope';
import type { Author } from '../write/write-context';
import { Channel } from './channel';
import { decodeValue, type Encoded, encodeError, encodeValue, type LocalOptions } from './encoding';
import { ProtocolError, parseJson } from './frames';
import type { OperationName } from './operations';
import {
  type CallMessage,
  fitsMessage,
  type HandleSpec,
  type Hello,
  isClientMessage,
  isEncoded,
  isHello,
  maxHelloBytes,
  maxMessageBytes,
  protocol,
} from './protocol';
import { type ConnectionState, operations, type ServedStore, waitingOperations } from './server-operations';
import { uploadInterrupted } from './upload';

/**
 * The maximum number of calls from one client that run at the same time. Further calls wait in the socket. All calls wait there if the
 * client has more than `maxUnreadBytes` of unread answers.
 */
const maxRunningCalls = 128;
const maxUnreadBytes = 4 * 2 ** 20;
/** The maximum number of running calls with large answers from one client. More answers could fill the serving process's RAM. */
const maxLargeCalls = 4;
const largeAnswers: ReadonlySet<string> = new Set<OperationName>([
  'recall',
  'list',
  'list.page',
  'history',
  'namespaces',
  'audit.query',
]);
const cachedAuthors = 1_000;

/** The reason with which a call is aborted if its client has cancelled it or has disconnected. */
const cancelled = new Error('The client cancelled the call.');

interface ServerConnectionDeps {
  /** Checks whether the token in the greeting is the serving process's token. */
  isAuthorized(hello: Hello): boolean;
  onEnd(connection: ServerConnection): void;
}

/** One client's connection, in the serving process. */
export class ServerConnection {
  readonly #served: ServedStore;
  readonly #deps: ServerConnectionDeps;
  readonly #channel: Channel;
  readonly #state: ConnectionState = { streams: new Map(), uploads: new Map() };
  readonly #authors = new LRUCache<string, Author>({ max: cachedAuthors });
  readonly #controllers = new Map<number, AbortController>();
  /** The running calls that `close` waits for. */
  readonly #running = new Set<Promise<void>>();
  #runningCalls = 0;
  #largeCalls = 0;
  readonly #waitingLarge: (() => void)[] = [];
  #clientId: string | undefined;
  #isClosing = false;

  constructor(socket: Socket, served: ServedStore, deps: ServerConnectionDeps) {
    this.#served = served;
    this.#deps = deps;
    this.#channel = new Channel(socket, maxHelloBytes, {
      onMessage: (message) => this.#onMessage(message),
      acceptsMore: () => this.#runningCalls < maxRunningCalls && this.#channel.unreadBytes < maxUnreadBytes,
      onEnd: () => this.#onEnd(),
    });
    this.#channel.keepAlive(false);
  }

  get isAccepted(): boolean {
    return this.#clientId !== undefined;
  }

  /** Starts no new calls, waits until the running calls are answered, and tells the client that the store is closing. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const upload of this.#state.uploads.values()) upload.end();
    await Promise.all(this.#running);
    this.#channel.send({ t: 'closing' });
    this.#channel.end();
  }

  destroy(): void {
    this.#channel.destroy();
  }

  #onEnd(): void {
    const { streams, uploads } = this.#state;
    // The client has disconnected and nothing waits for its streams. An error must not end the process.
    for (const stream of streams.values()) stream.return?.().catch(() => undefined);
    for (const upload of uploads.values()) upload.end();
    for (const controller of this.#controllers.values()) controller.abort(cancelled);
    streams.clear();
    this.#deps.onEnd(this);
  }

  #onMessage(message: unknown): void {
    if (this.#clientId === undefined) {
      this.#onHello(message);
      return;
    }
    if (!isClientMessage(message)) throw new ProtocolError('Expected a call or a cancellation.');
    if (message.t === 'cancel') this.#controllers.get(message.id)?.abort(cancelled);
    else if (this.#isClosing) this.#channel.send({ t: 'not-started', id: message.id });
    else this.#start(message);
  }

  #onHello(message: unknown): void {
    if (!isHello(message)) throw new ProtocolError('Expected a hello as the first message.');
    const error = this.#rejectionOf(message);
    if (error === undefined) {
      this.#clientId = message.client;
      this.#channel.maxBytes = maxMessageBytes;
      this.#channel.send({ t: 'welcome', protocol, limits: this.#served.engine.limits });
    } else {
      this.#channel.send({ t: 'unwelcome', error: encodeError(error) });
      this.#channel.end();
    }
  }

  #rejectionOf(hello: Hello): MemoryError | undefined {
    const rejection = (message: string) => new MemoryError('STORE_UNREACHABLE', message, { retryable: false });
    if (!this.#deps.isAuthorized(hello))
      return rejection('The connection token is not the token of the serving process. Connect again.');
    if (hello.hello === protocol) return undefined;
    return rejection(
      `The serving process uses version ${protocol} of the protocol and this process version ${hello.hello}. Install the same release of this library in both.`,
    );
  }

  #start(message: CallMessage): void {
    const isWaiting = waitingOperations.has(message.op);
    if (!isWaiting) this.#runningCalls++;
    const running = this.#answer(message).then(() => {
      this.#running.delete(running);
      if (isWaiting) return;
      this.#runningCalls--;
      this.#channel.resume();
    });
    if (!isWaiting || message.op === 'rememberAll') this.#running.add(running);
  }

  async #answer(message: CallMessage): Promise<void> {
    const { id, op } = message;
    const isLarge = largeAnswers.has(op);
    try {
      if (isLarge) await this.#enterLarge();
      const value = await this.#run(message);
      // When the store closes, its streams end, but the client continues them with the next serving process. So the end is not sent.
      if (this.#isClosing && waitingOperations.has(op) && op !== 'rememberAll') return;
      this.#sendAnswer(id, value);
    } catch (error) {
      this.#sendFailure(id, error);
    } finally {
      this.#controllers.delete(id);
      if (isLarge) this.#leaveLarge();
    }
  }

  /** Waits until fewer than `maxLargeCalls` calls with large answers are running, and the client has read its earlier answers. */
  async #enterLarge(): Promise<void> {
    while (this.#largeCalls >= maxLargeCalls) await new Promise<void>((resolve) => this.#waitingLarge.push(resolve));
    this.#largeCalls++;
    while (this.#channel.unreadBytes >= maxUnreadBytes && !this.#channel.hasEnded) await this.#channel.drained();
  }

  #leaveLarge(): void {
    this.#largeCalls--;
    this.#waitingLarge.shift()?.();
  }

  #sendFailure(id: number, error: unknown): void {
    const hasStoreClosed = this.#isClosing && MemoryError.is(error) && error.code === 'STORE_CLOSED';
    if (error === cancelled) this.#channel.send({ t: 'cancelled', id });
    else if (error === uploadInterrupted || hasStoreClosed) this.#channel.send({ t: 'not-started', id });
    else this.#channel.sendJson(failureJson(id, error));
  }

  #sendAnswer(id: number, value: unknown): void {
    const json = answerJson(id, encodeValue(value));
    if (json !== undefined && fitsMessage(json)) {
      this.#channel.sendJson(json);
      return;
    }
    const message = `expected a call whose answer takes at most ${maxMessageBytes} bytes, got a longer answer. Request less with each call.`;
    throw invalidInput([{ path: [], message }], 'call');
  }

  async #run({ id, handle, op, args, aborted, number, answered }: CallMessage): Promise<unknown> {
    const operation = operations.get(op);
    if (operation === undefined)
      throw new MemoryError(
        'INVALID_INPUT',
        `Unknown operation: ${op}. Install the same release of this library in both processes.`,
      );
    const client = this.#clientId as string;
    const author = this.#authorOf(handle);
    const requested =
      number === undefined || answered === undefined ? author : { ...author, request: { client, number, answered } };
    const decoded = decoding(() => decodeValue(args, this.#localOptions(id, aborted === true)));
    if (!Array.isArray(decoded)) throw malformedCall('The arguments of the call are not a list.');
    return operation({ ...this.#served, ...this.#state, author: requested }, decoded);
  }

  /** Makes a signal and a progress listener that represent the client's. */
  #localOptions(id: number, isAborted: boolean): LocalOptions {
    const channel = this.#channel;
    const controllers = this.#controllers;
    return {
      get signal() {
        const controller = controllers.get(id) ?? new AbortController();
        controllers.set(id, controller);
        if (isAborted) controller.abort(cancelled);
        return controller.signal;
      },
      get onProgress() {
        return (progress: unknown) => {
          if (channel.unreadBytes < maxUnreadBytes) channel.send({ t: 'progress', id, progress: progress as Progress });
        };
      },
    };
  }

  #authorOf(handle: string): Author {
    const cached = this.#authors.get(handle);
    if (cached !== undefined) return cached;
    const author = authorOf(this.#served.engine, handleSpecOf(handle));
    this.#authors.set(handle, author);
    return author;
  }
}

/** @throws INVALID_INPUT */
function handleSpecOf(handle: string): HandleSpec {
  const spec = decoding(() => {
    const encoded = parseJson(handle);
    return isEncoded(encoded) ? decodeValue(encoded) : undefined;
  });
  const isSpec = typeof spec === 'object' && spec !== null && 'principal' in spec && 'scopes' in spec;
  if (!isSpec || !Array.isArray(spec.scopes)) throw malformedCall('The handle of the call is malformed.');
  return spec as HandleSpec;
}

/** Runs a step of decoding a call. If the step fails, the call fails, but the connection stays open. */
function decoding<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof ProtocolError ? malformedCall(error.message) : error;
  }
}

function malformedCall(reason: string): MemoryError {
  const message = `${reason} Install the same release of this library in both processes.`;
  return invalidInput([{ path: [], message }], 'call');
}

/** Reads the author from a handle spec. The principal is not verified, because a client with the token runs as the same user. */
function authorOf({ shapes }: ServedStore['engine'], { principal, scopes }: HandleSpec): Author {
  const [first = {}, ...narrower] = scopes;
  const [actor, parsed] =
    principal === null
      ? [root, parse(shapes.scope, first, 'scope')]
      : parseAll([shapes.principal, principal, ['principal']], [shapes.scope, first, ['scope']]);
  const narrowed = narrower.reduce<ParsedScope | typeof emptyScope>(
    (outer, scope) => (outer === emptyScope ? emptyScope : narrowScope(outer, parse(shapes.scope, scope, 'scope'))),
    parsed,
  );
  if (narrowed === emptyScope) throw outsideScope();
  return { actor, scope: narrowed };
}

/** Encodes an error. If it is too long to send, for example because of its issues, encodes an error that says this instead. */
function failureJson(id: number, error: unknown): string {
  try {
    const json = JSON.stringify({ t: 'error', id, error: encodeError(error) });
    if (fitsMessage(json)) return json;
  } catch {
    // The JSON is longer than the longest string that V8 supports.
  }
  const code = MemoryError.is(error) ? error.code : 'INVALID_INPUT';
  const message = `The call failed with an error that is too long to send (${code}). Request less with each call.`;
  return JSON.stringify({ t: 'error', id, error: encodeError(new MemoryError(code, message)) });
}

/** Encodes an answer. Undefined if the JSON is longer than the longest string that V8 supports. */
function answerJson(id: number, value: Encoded): string | undefined {
  try {
    return JSON.stringify({ t: 'answer', id, value });
  } catch (error) {
    if (isErrorNamed(error, 'RangeError')) return undefined;
    throw error;
  }
}
