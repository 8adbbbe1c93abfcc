import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MemoryHandle } from '../../index';
import { type Authenticate, authenticatorFor, bearerToken } from '../shared/bearer-token';
import { allowOrigin, answerPreflight, type CorsHeaders, hostName, isAllowedHost } from '../shared/http-callers';
import { invalidInput, isMemoryHandle } from '../shared/input-checks';
import { type HttpSettings, type McpHttpOptions, parseHttpOptions } from './http-options';
import { HttpSessions, sendError } from './http-sessions';
import { errorReporter } from './mcp-server';

/** A running MCP server over HTTP. */
export interface McpHttpServer {
  /** The URL for clients, such as `http://127.0.0.1:8787/mcp`. */
  readonly url: string;
  /** The number of open sessions. */
  readonly sessions: number;
  /** Ends every session and connection, and stops listening. Can be called more than once. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const cors: CorsHeaders = {
  methods: 'GET, POST, DELETE',
  requestHeaders: 'Authorization, Content-Type, Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID',
  exposedHeaders: 'Mcp-Session-Id',
};

// In JSON-RPC the codes from -32000 to -32099 are for servers to define.
const serverError = -32000;
const internalError = -32603;
const requestTimeoutMs = 30_000;

/**
 * Serves clients over MCP's streamable HTTP. By default it listens only on loopback. It answers a request only if the `Host` header
 * contains an allowed name and the token is valid. If the request comes from a web page, its origin must be allowed too.
 *
 * @param handle A handle for all clients that send `options.token`, or a function that returns the handle for a token. To reject a token,
 * the function returns `undefined` or `null`. It is called for each request, and the request uses the returned handle. Therefore a token
 * that became invalid cannot use its session any more, and changed rights take effect with the next request. Only the token that opened a
 * session can use the session.
 * @throws MemoryError INVALID_INPUT for invalid options; the error of Node.js if listening fails, such as EADDRINUSE
 * @example
 * ```ts
 * import { MemoryStore } from 'multi-agent-memory';
 * import { serveHttp } from 'multi-agent-memory/mcp';
 * const store = await MemoryStore.open('./memory');
 * const agents = new Map([['a-long-random-token', 'billing'], ['another-one', 'returns']]);
 * const server = await serveHttp(
 *   (token) => {
 *     const agentId = agents.get(token);
 *     return agentId === undefined ? undefined : store.as({ agentId }, { namespace: ['support'] });
 *   },
 *   { port: 8787 },
 * );
 * server.url satisfies string;
 * ```
 */
export async function serveHttp(
  handle: MemoryHandle | Authenticate,
  options: McpHttpOptions = {},
): Promise<McpHttpServer> {
  const settings = parseHttpOptions(handle, options);
  const authenticate = authenticatorFor(handle, settings.token);
  const sessions = new HttpSessions(settings);
  const report = errorReporter(settings);
  const server = createServer((request, response) => {
    answerRequest(request, response, settings, authenticate, sessions).catch((error) => {
      report(error);
      if (!response.headersSent) sendError(response, 500, internalError, 'Internal error: the request failed.');
      else response.destroy();
    });
  });
  // Bodies are at most `maxBodyBytes` long, so that a slow one only holds resources.
  server.requestTimeout = requestTimeoutMs;
  await listen(server, settings);
  server.on('error', report);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= closeAll(server, sessions);
    return closing;
  };
  return {
    url: urlOf(server.address() as AddressInfo, settings),
    get sessions() {
      return sessions.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(server: Server, { host, port }: HttpSettings): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closeAll(server: Server, sessions: HttpSessions): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  await sessions.close();
  server.closeAllConnections();
  await ended;
}

async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { hosts, origins, path }: HttpSettings,
  authenticate: Authenticate,
  sessions: HttpSessions,
): Promise<void> {
  const reject = (status: number, message: string) => sendError(response, status, serverError, message);
  if (!isAllowedHost(request, hosts)) return reject(403, 'Host not allowed: add its name to `allowedHosts`.');
  if (!allowOrigin(request, response, origins, cors))
    return reject(403, 'Origin not allowed: add it to `allowedOrigins`.');
  if (pathOf(request) !== path) return reject(404, `Not found: the path of this server is ${path}.`);
  if (request.method === 'OPTIONS') return answerPreflight(response, cors);
  const token = bearerToken(request);
  const handle = token === undefined ? undefined : await handleFor(authenticate, token);
  if (token === undefined || handle === undefined) {
    if (token !== undefined) await sessions.endOf(token);
    response.setHeader('WWW-Authenticate', 'Bearer');
    return reject(401, 'Valid token required: send the header "Authorization: Bearer TOKEN".');
  }
  const isValid = async () => (await handleFor(authenticate, token)) !== undefined;
  await sessions.answer(request, response, { token, handle, isValid });
}

/** The path of the request's target. Undefined for a target that is no URL, such as `//`. */
function pathOf({ url = '' }: IncomingMessage): string | undefined {
  const base = 'http://localhost';
  return URL.canParse(url, base) ? new URL(url, base).pathname : undefined;
}

async function handleFor(authenticate: Authenticate, token: string): Promise<MemoryHandle | undefined> {
  const handle = (await authenticate(token)) ?? undefined;
  if (handle === undefined || isMemoryHandle(handle)) return handle;
  const message = 'it must return a memory handle, or undefined or null to reject the token.';
  throw invalidInput('token function', [{ path: [], message }]);
}

function urlOf({ address, port }: AddressInfo, { path }: HttpSettings): string {
  return `http://${hostName(address)}:${port}${path}`;
}
