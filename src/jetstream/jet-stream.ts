import { z } from 'zod';
import { MemoryError } from '../domain/errors';
import { addressParts, isLoopback } from '../domain/node-address';
import { addIssue, expected, fields, integer, list, parse } from '../domain/parse/shapes';
import { isUint8Array } from '../domain/realms';
import type { SharedLog, SharedLogConnection, SharedLogStore } from '../log/shared-log';
import { JetStreamLink } from './jet-stream-link';
import type { JetStreamCredentials, JetStreamSettings, JetStreamTls } from './jet-stream-settings';
import { StreamConnection } from './stream-connection';

/** Options of `jetStream`. */
export interface JetStreamOptions {
  /** The addresses of servers, as `host:port`. One that answers is enough to find the others. */
  servers: string | readonly string[];
  /** The name of the stream: letters, digits, `_` and `-`. Each shared memory has a stream of its own. It is made if it is not there. */
  stream: string;
  /** Default: none. */
  credentials?: JetStreamCredentials;
  /** Required unless all servers are on this machine. `{}` encrypts with the authorities that Node.js trusts. */
  tls?: JetStreamTls;
  /** How many servers keep the stream, if it is made. 1 is only for a single server, whose loss is the loss of the log. Default: 3. */
  replicas?: 1 | 3 | 5;
  /**
   * How long a call waits for the servers, in milliseconds. A write then fails with NO_QUORUM if nothing of it has left this process, and
   * otherwise with OUTCOME_UNKNOWN. Default: 5,000.
   */
  waitMs?: number;
  /**
   * How much the clock of this process may differ from the middle clock of the stores on the log, in milliseconds. Beyond it, writes are
   * refused with CLOCK_SKEWED. Default: 10,000.
   */
  maxClockSkewMs?: number;
}

const defaultWaitMs = 5_000;
const defaultMaxClockSkewMs = 10_000;
const defaultReplicas = 3;
const maxServers = 100;
const nonceBytes = 8;

const text = z.string({ error: expected('a string') });

const address = text.refine((value) => addressParts(value) !== undefined, {
  error: 'expected an address, such as "10.0.0.1:4222", got another string.',
});

const shape = fields({
  servers: z.preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    list(address, 'an address or an array of addresses', [maxServers, 'addresses']),
  ),
  stream: text.regex(/^[\w-]{1,200}$/, {
    error: 'expected 1 to 200 letters, digits, "_" and "-", got another string.',
  }),
  credentials: z
    .custom<JetStreamCredentials>(isCredentials, { error: expected('{ user, pass }, { token } or { creds }') })
    .optional(),
  tls: fields({ ca: text.optional(), cert: text.optional(), key: text.optional() }).optional(),
  replicas: z
    .custom<number>((value) => [1, 3, 5].includes(value as number), { error: expected('1, 3 or 5') })
    .optional(),
  waitMs: integer(1).optional(),
  maxClockSkewMs: integer(1).optional(),
}).check((ctx) => {
  const { servers, tls } = ctx.value;
  if (servers.length === 0) addIssue(ctx, 'expected at least one address, got none.', servers, ['servers']);
  if (tls !== undefined) return;
  for (const each of servers)
    if (!isLoopback(addressParts(each)?.host ?? ''))
      addIssue(ctx, 'without `tls`, expected a loopback address, such as 127.0.0.1:4222, got another address.', each, [
        'servers',
      ]);
});

/**
 * Makes a log in a stream of NATS JetStream, for the option `log` of `MemoryStore.open`. All stores on one stream hold the same memories.
 * It loads `@nats-io/transport-node` and `@nats-io/jetstream` when a store is opened.
 *
 * @throws INVALID_INPUT
 * @example
 * ```ts
 * import { MemoryStore } from 'multi-agent-memory';
 * import { jetStream } from 'multi-agent-memory/jetstream';
 *
 * const open = () =>
 *   MemoryStore.open('./memory', {
 *     log: jetStream({ servers: ['127.0.0.1:4222'], stream: 'memory', replicas: 1 }),
 *   });
 * ```
 */
export function jetStream(options: JetStreamOptions): SharedLog {
  const { servers, stream, credentials, tls, replicas, waitMs, maxClockSkewMs } = parse(shape, options, 'options');
  const settings: JetStreamSettings = {
    servers,
    stream,
    credentials,
    tls: tls as JetStreamTls | undefined,
    replicas: replicas ?? defaultReplicas,
    waitMs: waitMs ?? defaultWaitMs,
  };
  return {
    waitMs: settings.waitMs,
    maxClockSkewMs: maxClockSkewMs ?? defaultMaxClockSkewMs,
    connect: (store) => connected(settings, store),
  };
}

async function connected(settings: JetStreamSettings, store: SharedLogStore): Promise<SharedLogConnection> {
  const { incarnation, timing, randomBytes } = store;
  const connection = await StreamConnection.open(settings);
  try {
    const first = await connection.firstMessage(randomBytes);
    const { cluster, kind, body } = first;
    const nonce = Buffer.from(randomBytes(nonceBytes)).toString('hex');
    const { stream, waitMs } = settings;
    return {
      founding: { cluster, storeKey: kind === 'found' ? body : undefined },
      link: (start) => new JetStreamLink({ ...start, connection, stream, incarnation, nonce, timing, waitMs }),
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw MemoryError.is(error) ? error : connection.unreachable(error);
  }
}

function isCredentials(value: unknown): boolean {
  const { user, pass, token, creds } = Object(value) as Record<string, unknown>;
  const given = [user, pass, token, creds].filter((each) => each !== undefined).length;
  if (typeof user === 'string' && typeof pass === 'string') return given === 2;
  return given === 1 && (typeof token === 'string' || typeof creds === 'string' || isUint8Array(creds));
}
