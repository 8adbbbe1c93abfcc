import type { JetStreamClient, JetStreamManager, PubAck, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { invalidInput, MemoryError } from '../domain/errors';
import { messageOf } from '../domain/realms';
import type { JetStreamSettings } from './jet-stream-settings';
import { decodeMessage, encodeMessage, type StreamMessage } from './stream-message';

/** The bounds of a stream: the numbers of its first and last message. An empty stream ends before it begins. */
export interface StreamBounds {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

const clusterIdBytes = 16;
const storeKeyBytes = 32;
const oldestServer = [2, 12] as const;
const reconnectMs = 250;
/** An error that JetStream gives where a message should have been the first, and is not. */
const wrongLastSequence = 10_071;
const wrongLastSequenceOfBatch = 10_164;
const nanosecondsPerMs = 1_000_000;
const duplicateWindowMs = 120_000;

/** A connection to the servers, with the stream of the log. */
export class StreamConnection {
  readonly nats: NatsConnection;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #settings: JetStreamSettings;

  private constructor(
    nats: NatsConnection,
    client: JetStreamClient,
    manager: JetStreamManager,
    settings: JetStreamSettings,
  ) {
    this.nats = nats;
    this.#client = client;
    this.#manager = manager;
    this.#settings = settings;
  }

  /**
   * Connects, and makes the stream if it is not there.
   *
   * @throws NO_QUORUM if no server answers; INVALID_INPUT if a server is too old, or the stream is not one for a log
   */
  static async open(settings: JetStreamSettings): Promise<StreamConnection> {
    const { connect, credsAuthenticator, jetstream, jetstreamManager } = await loadClients();
    const { servers, tls, credentials, waitMs } = settings;
    const authenticator =
      credentials !== undefined && 'creds' in credentials
        ? { authenticator: credsAuthenticator(bytesOf(credentials.creds)) }
        : credentials;
    const nats = await connect({
      servers: [...servers],
      ...(tls && { tls: { ...tls } }),
      ...authenticator,
      timeout: waitMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: reconnectMs,
      ignoreClusterUpdates: false,
    }).catch((error: unknown) => {
      throw unreachable(servers, error);
    });
    try {
      assertVersion(nats.info?.version);
      const options = { timeout: waitMs };
      const manager = await jetstreamManager(nats, options);
      const connection = new StreamConnection(nats, jetstream(nats, options), manager, settings);
      await connection.#ensureStream();
      return connection;
    } catch (error) {
      await nats.close();
      throw MemoryError.is(error) ? error : unreachable(servers, error);
    }
  }

  get consumers(): JetStreamClient['consumers'] {
    return this.#client.consumers;
  }

  /** The subject of the log. */
  get subject(): string {
    return `${this.prefix}.log`;
  }

  /** Under it are all subjects of the stores on this log. */
  get prefix(): string {
    return `multi-agent-memory.${this.#settings.stream}`;
  }

  /** @throws what the client throws if the servers do not answer; LOG_REGRESSED if the stream is gone */
  async bounds(): Promise<StreamBounds> {
    const { state } = await this.#info();
    return { first: Math.max(1, state.first_seq), last: state.last_seq, bytes: state.bytes };
  }

  /** The bytes of a message. Undefined if the stream does not hold it. */
  async message(index: number): Promise<Uint8Array | undefined> {
    const found = await this.#manager.streams.getMessage(this.#settings.stream, { seq: index });
    return found?.data;
  }

  /** The first message that the stream holds. Writes the founding of a new log if it holds none. */
  async firstMessage(randomBytes: (length: number) => Uint8Array): Promise<StreamMessage> {
    for (;;) {
      const { first, last } = await this.bounds();
      const bytes = last === 0 ? undefined : await this.message(first);
      if (bytes !== undefined) return decodeMessage(bytes);
      if (last > 0) throw emptied(this.#settings.stream);
      await this.#found(randomBytes);
    }
  }

  /** Adds a message. The servers drop it if they got one with this id a short time ago. */
  publish(message: Uint8Array, id?: string): Promise<PubAck> {
    return this.#client.publish(this.subject, message, { retries: 0, ...(id !== undefined && { msgID: id }) });
  }

  /** Adds several messages that follow each other, or none of them. */
  async publishTogether(messages: readonly Uint8Array[]): Promise<void> {
    const [first, ...others] = messages;
    const batch = await this.#client.startBatch(this.subject, first);
    for (const each of others.slice(0, -1)) batch.add(this.subject, each);
    await batch.commit(this.subject, others.at(-1));
  }

  /** Makes the error for servers that do not answer. */
  unreachable(cause: unknown): MemoryError {
    return unreachable(this.#settings.servers, cause);
  }

  async close(): Promise<void> {
    await this.nats.close();
  }

  async #info(): Promise<StreamInfo> {
    const { stream } = this.#settings;
    try {
      return await this.#manager.streams.info(stream);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const message = `The stream ${stream} is gone: it was deleted, or its servers have lost it. This store keeps what it has, and takes no writes. Find out what happened to the stream.`;
      throw new MemoryError('LOG_REGRESSED', message);
    }
  }

  async #ensureStream(): Promise<void> {
    const { stream, replicas } = this.#settings;
    const info = await this.#manager.streams.info(stream).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (info !== undefined) {
      assertForLog(info, this.subject);
      return;
    }
    const { DiscardPolicy, RetentionPolicy, StorageType } = await import('@nats-io/jetstream');
    const made = await this.#manager.streams.add({
      name: stream,
      subjects: [this.subject],
      storage: StorageType.File,
      num_replicas: replicas,
      retention: RetentionPolicy.Limits,
      // A full stream refuses messages; it never drops old ones.
      discard: DiscardPolicy.New,
      deny_delete: true,
      deny_purge: false,
      allow_rollup_hdrs: false,
      allow_atomic: true,
      duplicate_window: duplicateWindowMs * nanosecondsPerMs,
    });
    assertForLog(made, this.subject);
  }

  /** Writes the first message. Another process may be faster: its message is the first then. */
  async #found(randomBytes: (length: number) => Uint8Array): Promise<void> {
    const cluster = Buffer.from(randomBytes(clusterIdBytes)).toString('hex');
    const message: StreamMessage = {
      kind: 'found',
      cluster,
      node: 0,
      start: 0,
      number: 1,
      part: 1,
      parts: 1,
      body: randomBytes(storeKeyBytes),
    };
    try {
      await this.#client.publish(this.subject, encodeMessage(message), { expect: { lastSequence: 0 } });
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (code !== wrongLastSequence && code !== wrongLastSequenceOfBatch) throw error;
    }
  }
}

/** @throws INVALID_INPUT if the clients are not installed */
async function loadClients() {
  try {
    const { connect, credsAuthenticator } = await import('@nats-io/transport-node');
    const { jetstream, jetstreamManager } = await import('@nats-io/jetstream');
    return { connect, credsAuthenticator, jetstream, jetstreamManager };
  } catch (error) {
    const message = `\`jetStream\` needs the clients of NATS, which cannot be loaded (${messageOf(error).split('\n')[0]}). Install them: npm install @nats-io/transport-node @nats-io/jetstream`;
    throw Object.assign(invalidInput([{ path: ['log'], message }], 'options'), { cause: error });
  }
}

function bytesOf(creds: string | Uint8Array): Uint8Array {
  return typeof creds === 'string' ? Buffer.from(creds) : creds;
}

function isNotFound(error: unknown): boolean {
  return (error as { readonly name?: unknown }).name === 'StreamNotFoundError';
}

/** @throws INVALID_INPUT */
function assertVersion(version = ''): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldestServer[0] || (major === oldestServer[0] && minor >= oldestServer[1])) return;
  const message = `expected NATS servers of version ${oldestServer.join('.')} or later, got ${version}.`;
  throw invalidInput([{ path: ['log', 'servers'], message }], 'options');
}

/** @throws INVALID_INPUT if messages of the stream could vanish, or come from somewhere else */
function assertForLog({ config }: StreamInfo, subject: string): void {
  const problems = [
    config.subjects?.join() !== subject && `its subjects must be ${subject} and no others`,
    config.storage !== 'file' && 'its storage must be "file"',
    config.retention !== 'limits' && 'its retention must be "limits"',
    config.discard !== 'new' && 'its discard policy must be "new"',
    !config.deny_delete && 'it must deny the deletion of messages',
    !config.allow_atomic && 'it must allow atomic batches',
    config.max_age !== 0 && 'its messages must have no maximum age',
    (config.mirror !== undefined || config.sources !== undefined) && 'it must have no sources and be no mirror',
  ].filter((problem) => problem !== false);
  if (problems.length === 0) return;
  const issues = problems.map((problem) => ({
    path: ['log', 'stream'],
    message: `expected a stream that keeps a log: ${problem}. Use another name, and the library makes the stream.`,
  }));
  throw invalidInput(issues, 'options');
}

function unreachable(servers: readonly string[], cause: unknown): MemoryError {
  const message = `JetStream cannot be used at ${servers.join(', ')}: ${messageOf(cause)}. Nothing was written. Try again when the servers run.`;
  return new MemoryError('NO_QUORUM', message, { cause });
}

function emptied(stream: string): MemoryError {
  const message = `The stream ${stream} has lost all of its messages. This store keeps what it has, and takes no writes. Find out what happened to the stream.`;
  return new MemoryError('LOG_REGRESSED', message);
}
