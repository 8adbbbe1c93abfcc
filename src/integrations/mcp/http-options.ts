import { type Issue, MemoryError, type MemoryHandle } from '../../index';
import type { Authenticate } from './bearer';
import type { McpServerOptions } from './server';

/** What `serveHttp` takes beside who is served. */
export interface HttpOptions extends McpServerOptions {
  /** Default: '127.0.0.1', this machine alone. */
  host?: string;
  /** Default: one that is free. */
  port?: number;
  /** Default: '/mcp'. */
  path?: string;
  /** What a client has to bring: at least 16 characters of ASCII, no spaces. Needed with a handle; a function that checks tokens takes none. */
  token?: string;
  /** Names by which clients call this server, without port. Default: the names of loopback, and `host`. Needed where `host` is every address. */
  allowedHosts?: readonly string[];
  /** Web pages that may call it, such as 'https://app.example'. Default: none; what is no browser names no origin. */
  allowedOrigins?: readonly string[];
  /** The longest request. Default: 4 MiB. */
  maxBodyBytes?: number;
  /** Sessions at a time; a further one is refused with 503. Default: 1,000. */
  maxSessions?: number;
  /** A session that asks nothing for so long is closed. Default: 30 minutes. */
  idleMs?: number;
}

/** The options with their defaults. */
export interface HttpSettings extends McpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly token: string | undefined;
  readonly hosts: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
  readonly maxBodyBytes: number;
  readonly maxSessions: number;
  readonly idleMs: number;
}

const known: readonly string[] = [
  ...['host', 'port', 'path', 'token', 'allowedHosts', 'allowedOrigins', 'maxBodyBytes', 'maxSessions', 'idleMs'],
  'onError',
];
const loopback = ['127.0.0.1', 'localhost', '[::1]'];
const everyAddress = ['0.0.0.0', '::', ''];
const shortestToken = 16;

/** @throws INVALID_INPUT with every problem at once */
export function settingsOf(who: MemoryHandle | Authenticate, options: HttpOptions): HttpSettings {
  const { host = loopback[0] as string, port = 0, path = '/mcp', token, allowedHosts, allowedOrigins = [] } = options;
  const { maxBodyBytes = 4 * 1024 * 1024, maxSessions = 1_000, idleMs = 30 * 60_000, onError } = options;
  const issues: Issue[] = Object.keys(options)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: [key], message: `There is no such option. Known are ${known.join(', ')}.` }));
  const check = (holds: boolean, name: string, message: string) => {
    if (!holds) issues.push({ path: [name], message });
  };
  check(Number.isInteger(port) && port >= 0 && port < 65_536, 'port', 'must be a port, 0 to 65535.');
  check(typeof path === 'string' && path.startsWith('/'), 'path', 'must begin with a slash.');
  for (const [name, value] of Object.entries({ maxBodyBytes, maxSessions, idleMs }))
    check(Number.isFinite(value) && value > 0, name, 'must be a number above 0.');
  const isFunction = typeof who === 'function';
  check(!(isFunction && token !== undefined), 'token', 'has no use beside a function that checks tokens.');
  // What a header can carry.
  const isGood = typeof token === 'string' && token.length >= shortestToken && /^[\x21-\x7e]+$/.test(token);
  check(
    isFunction || isGood,
    'token',
    `is needed: ${shortestToken} characters or more without spaces, such as randomBytes(32) in hex.`,
  );
  check(
    !everyAddress.includes(host) || allowedHosts !== undefined,
    'allowedHosts',
    'is needed where the server listens on every address: the names by which clients call it.',
  );
  if (issues.length > 0) throw refusal(issues);
  const hosts = new Set([...(allowedHosts ?? [...loopback, named(host)])].map((name) => name.toLowerCase()));
  const limits = { maxBodyBytes, maxSessions, idleMs };
  return { host, port, path, token, hosts, origins: new Set(allowedOrigins), ...limits, ...(onError && { onError }) };
}

// In a URL an IPv6 address stands in brackets.
function named(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function refusal(issues: readonly Issue[]): MemoryError {
  const lines = issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return new MemoryError('INVALID_INPUT', `The options cannot be taken. ${lines.join(' ')}`, { issues });
}
