import { defined } from '../../domain/defined';
import type { MemoryHandle } from '../../index';
import { type Authenticate, isUsableToken, minTokenLength } from '../shared/bearer-token';
import { hostName, listensOnEveryAddress, loopbackNames } from '../shared/http-callers';
import { invalidInput, unknownKeyIssues } from '../shared/input-checks';
import type { McpServerOptions } from './mcp-server';

/** Options of `serveHttp`. */
export interface McpHttpOptions extends McpServerOptions {
  /** The address to listen on. Default: '127.0.0.1', which only this machine can reach. */
  host?: string;
  /** The port to listen on. Default: any free port. */
  port?: number;
  /** The path of the URL. Default: '/mcp'. */
  path?: string;
  /**
   * The token that clients must send: at least 16 printable ASCII characters, no spaces. It is required if you pass a handle. It is not
   * allowed if you pass a function, because the function itself checks tokens.
   */
  token?: string;
  /**
   * The host names with which clients call this server, without the port. Required if `host` means every address of the machine, such as
   * '0.0.0.0'. Default: the names of loopback, and `host`.
   */
  allowedHosts?: readonly string[];
  /** The origins of web pages that may call, such as 'https://app.example'. Only browsers send an origin. Default: none. */
  allowedOrigins?: readonly string[];
  /** The maximum size of a request body, in bytes. Default: 4 MiB. */
  maxBodyBytes?: number;
  /** The maximum number of sessions at the same time. Further sessions are rejected with status 503. Default: 1,000. */
  maxSessions?: number;
  /** The largest number of sessions of one token at a time. One more is rejected with 429. Default: 100. */
  maxSessionsPerToken?: number;
  /** A session is closed if it has no requests for this number of milliseconds. Default: 30 minutes. */
  idleMs?: number;
  /**
   * How often the tokens of open streams are checked again. A stream of a token that is no longer accepted is closed, and so is its
   * session. Default: 5 seconds.
   */
  revalidateMs?: number;
}

/** The options of `serveHttp`, with all defaults filled in. */
export interface HttpSettings extends McpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly token: string | undefined;
  readonly hosts: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
  readonly maxBodyBytes: number;
  readonly maxSessions: number;
  readonly maxSessionsPerToken: number;
  readonly idleMs: number;
  readonly revalidateMs: number;
}

const optionNames: readonly string[] = [
  ...['host', 'port', 'path', 'token', 'allowedHosts', 'allowedOrigins', 'maxBodyBytes', 'maxSessions', 'idleMs'],
  ...['maxSessionsPerToken', 'revalidateMs'],
  'onError',
];

/** @throws INVALID_INPUT with all issues */
export function parseHttpOptions(handle: MemoryHandle | Authenticate, options: McpHttpOptions): HttpSettings {
  const { host = '127.0.0.1', port = 0, path = '/mcp', token, allowedHosts, allowedOrigins = [] } = options;
  const {
    maxBodyBytes = 4 * 1024 * 1024,
    maxSessions = 1_000,
    maxSessionsPerToken = 100,
    idleMs = 30 * 60_000,
    revalidateMs = 5_000,
    onError,
  } = options;
  const issues = unknownKeyIssues(options, optionNames);
  const check = (isValid: boolean, name: string, message: string) => {
    if (!isValid) issues.push({ path: [name], message });
  };
  const isPort = Number.isInteger(port) && port >= 0 && port < 65_536;
  check(isPort, 'port', `expected an integer from 0 to 65535, got ${String(port)}.`);
  check(typeof path === 'string' && path.startsWith('/'), 'path', 'expected a path that starts with "/".');
  for (const [name, value] of Object.entries({ maxBodyBytes, maxSessions, maxSessionsPerToken, idleMs, revalidateMs }))
    check(Number.isFinite(value) && value > 0, name, `expected a number above 0, got ${String(value)}.`);
  if (typeof handle === 'function')
    check(token === undefined, 'token', 'not allowed with a function, which checks tokens itself. Remove it.');
  else
    check(
      isUsableToken(token),
      'token',
      `required: at least ${minTokenLength} printable ASCII characters without spaces, such as randomBytes(32) in hex.`,
    );
  check(
    !listensOnEveryAddress(host) || allowedHosts !== undefined,
    'allowedHosts',
    `required, because the host ${JSON.stringify(host)} means every address. List the names with which clients call the server.`,
  );
  if (issues.length > 0) throw invalidInput('options', issues);
  const hosts = new Set((allowedHosts ?? [...loopbackNames, hostName(host)]).map((name) => name.toLowerCase()));
  const origins = new Set(allowedOrigins);
  return {
    host,
    port,
    path,
    token,
    hosts,
    origins,
    maxBodyBytes,
    maxSessions,
    maxSessionsPerToken,
    idleMs,
    revalidateMs,
    ...defined({ onError }),
  };
}
