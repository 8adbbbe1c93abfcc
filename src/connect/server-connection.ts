import type { Socket } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Progress } from '../domain/calls';
import { invalidInput, MemoryError } from '../domain/errors';
import { parse, parseAll } from '../domain/parse/parse';
import { root } from '../domain/principal';
import { emptyScope, narrowScope, type ParsedScope } from '../domain/scope';
import type { Engine } from '../store/composition/engine';
import type { Author } from '../write/write-context';
import { Channel } from './channel';
import { encodeError } from './encoded-errors';
import { type CallDeps, decodeValue, type Encoded, encodeValue } from './encoded-values';
import { BrokenFrame } from './frames';
import { type Belongings, operations, type Served, waiting } from './operations';
import {
  type CallMessage,
  fits,
  type Hello,
  isClientMessage,
  isHello,
  maxHelloBytes,
  maxMessageBytes,
  protocol,
  type Who,
} from './protocol';
import { broken } from './upload';

/** Calls of one client that are under way at once: the rest waits in its socket, and so do answers that it does not read. */
const maxRunning = 128;
const maxBacklogBytes = 4 * 2 ** 20;
const rememberedHandles = 1_000;

/** Why a call ends whose client has had enough. */
const cancelled = new Error('The call was cancelled.');

interface Entrance {
  /** Whether who says hello may come in. */
  isKnown(hello: Hello): boolean;
  onEnd(peer: ServerConnection): void;
}

/** One connected process, as the holder of the folder sees it. */
export class ServerConnection {
  readonly #served: Served;
  readonly #entrance: Entrance;
  readonly #channel: Channel;
  readonly #belongings: Belongings = { streams: new Map(), uploads: new Map() };
  readonly #authors = new LRUCache<string, Author>({ max: rememberedHandles });
  readonly #signals = new Map<number, AbortController>();
  /** Calls that end by themselves. */
  readonly #running = new Set<Promise<void>>();
  #counted = 0;
  #client: string | undefined;
  #isClosing = false;

  constructor(socket: Socket, served: Served, entrance: Entrance) {
    this.#served = served;
    this.#entrance = entrance;
    this.#channel = new Channel(socket, maxHelloBytes, {
      onMessage: (message) => this.#onMessage(message),
      wantsMore: () => this.#counted < maxRunning && this.#channel.backlog < maxBacklogBytes,
      onEnd: () => this.#onEnd(),
    });
    this.#channel.keepAlive(false);
  }

  get isGreeted(): boolean {
    return this.#client !== undefined;
  }

  /** Begins no further call, answers what was begun, and says goodbye. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const upload of this.#belongings.uploads.values()) upload.end();
    await Promise.all(this.#running);
    this.#channel.send({ t: 'closing' });
    this.#channel.end();
  }

  destroy(): void {
    this.#channel.destroy();
  }

  #onEnd(): void {
    const { streams, uploads } = this.#belongings;
    for (const stream of streams.values()) void stream.return?.();
    for (const upload of uploads.values()) upload.end();
    for (const controller of this.#signals.values()) controller.abort(cancelled);
    streams.clear();
    this.#entrance.onEnd(this);
  }

  #onMessage(message: unknown): void {
    if (this.#client === undefined) {
      this.#onHello(message);
      return;
    }
    if (!isClientMessage(message)) throw new BrokenFrame('A message is none that a client sends.');
    if (message.t === 'cancel') this.#signals.get(message.id)?.abort(cancelled);
    else if (this.#isClosing) this.#channel.send({ t: 'later', id: message.id });
    else this.#take(message);
  }

  #onHello(message: unknown): void {
    if (!isHello(message)) throw new BrokenFrame('The first message is no hello.');
    const error = this.#refusalOf(message);
    if (error === undefined) {
      this.#client = message.client;
      this.#channel.maxBytes = maxMessageBytes;
      this.#channel.send({ t: 'welcome', protocol, limits: this.#served.engine.limits });
    } else {
      this.#channel.send({ t: 'unwelcome', error: encodeError(error) });
      this.#channel.end();
    }
  }

  #refusalOf(hello: Hello): MemoryError | undefined {
    const refused = (why: string) => new MemoryError('STORE_UNREACHABLE', why, { retryable: false });
    if (!this.#entrance.isKnown(hello)) return refused('The token is not that of the holder of the folder.');
    if (hello.hello === protocol) return undefined;
    const versions = `speaks version ${protocol} of the protocol, this process version ${hello.hello}`;
    return refused(`The holder of the folder ${versions}: use one release of this library for both.`);
  }

  #take(message: CallMessage): void {
    const isWaiting = waiting.has(message.op);
    if (!isWaiting) this.#counted++;
    const running = this.#answer(message).then(() => {
      this.#running.delete(running);
      if (isWaiting) return;
      this.#counted--;
      this.#channel.resume();
    });
    if (!isWaiting || message.op === 'rememberAll') this.#running.add(running);
  }

  async #answer(message: CallMessage): Promise<void> {
    const { id } = message;
    try {
      const value = await this.#run(message);
      // What ends because the store closes has not ended for its client.
      if (this.#isClosing && waiting.has(message.op) && message.op !== 'rememberAll') return;
      this.#sendAnswer(id, value);
    } catch (error) {
      if (error === cancelled) this.#channel.send({ t: 'cancelled', id });
      else if (error === broken || (this.#isClosing && MemoryError.is(error) && error.code === 'STORE_CLOSED')) {
        this.#channel.send({ t: 'later', id });
      } else this.#channel.send({ t: 'refusal', id, error: encodeError(error) });
    } finally {
      this.#signals.delete(id);
    }
  }

  #sendAnswer(id: number, value: unknown): void {
    const json = textOf(['answer', id, encodeValue(value)]);
    if (json !== undefined && fits(json)) {
      this.#channel.sendText(json);
      return;
    }
    const issues = [
      { path: [], message: `Its answer is larger than ${maxMessageBytes} bytes: ask for less at a time.` },
    ];
    throw invalidInput(issues);
  }

  async #run({ id, who, op, args, aborted, number, answered }: CallMessage): Promise<unknown> {
    const operation = operations.get(op);
    if (operation === undefined) throw new MemoryError('INVALID_INPUT', `There is no operation ${op}.`);
    const client = this.#client as string;
    const author = this.#authorOf(who);
    const asks =
      number === undefined || answered === undefined ? author : { ...author, request: { client, number, answered } };
    const given = decodeValue(args, this.#partsOf(id, aborted === true)) as readonly unknown[];
    return operation({ ...this.#served, ...this.#belongings, author: asks, args: given });
  }

  /** What takes the place of the client's signal and progress listener. */
  #partsOf(id: number, isAborted: boolean): CallDeps {
    const [channel, signals] = [this.#channel, this.#signals];
    return {
      get signal() {
        const controller = signals.get(id) ?? new AbortController();
        signals.set(id, controller);
        if (isAborted) controller.abort(cancelled);
        return controller.signal;
      },
      get onProgress() {
        return (progress: unknown) => {
          if (channel.backlog < maxBacklogBytes) channel.send({ t: 'progress', id, progress: progress as Progress });
        };
      },
    };
  }

  #authorOf(who: string): Author {
    const known = this.#authors.get(who);
    if (known !== undefined) return known;
    const made = authorOf(this.#served.engine, decodeValue(JSON.parse(who) as Encoded) as Who);
    this.#authors.set(who, made);
    return made;
  }
}

/** Who acts, inside which bounds: what the client says, which is the same user. */
function authorOf({ shapes }: Engine, { principal, scopes }: Who): Author {
  const [first = {}, ...narrower] = scopes;
  const [actor, bound] =
    principal === null
      ? [root, parse(shapes.scope, first, 'The scope')]
      : parseAll([shapes.principal, principal, ['principal']], [shapes.scope, first, ['scope']]);
  const narrowed = narrower.reduce<ParsedScope | typeof emptyScope>(
    (outer, scope) => (outer === emptyScope ? emptyScope : narrowScope(outer, parse(shapes.scope, scope, 'The scope'))),
    bound,
  );
  if (narrowed !== emptyScope) return { actor, scope: narrowed };
  throw invalidInput([{ path: [], message: 'It lies outside the scope of the handle it should narrow.' }], 'The scope');
}

/** Undefined where it would be longer than a string can be. */
function textOf([t, id, value]: readonly ['answer', number, Encoded]): string | undefined {
  try {
    return JSON.stringify({ t, id, value });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
