import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryError, type MemoryHandle } from '../../index';
import { type Authenticate, authenticatorOf, bearerOf } from './bearer';
import { type HttpOptions, type HttpSettings, settingsOf } from './http-options';
import { refuse } from './http-refusal';
import { answerPreflight, isKnownHost, isKnownOrigin } from './origins';
import { Sessions } from './sessions';

/** A server that listens. */
export interface HttpServing {
  /** Where clients find it, such as `http://127.0.0.1:8787/mcp`. */
  readonly url: string;
  /** Sessions that are open. */
  readonly sessions: number;
  /** Ends every session and every connection, and listens no more. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves clients over MCP's streamable HTTP. Listens on loopback unless told otherwise; answers only requests that name a
 * known host, come from no unknown web page and bring a token.
 *
 * @param who - A handle for everybody who brings `options.token`, or a function that says for each token whose it is:
 * `undefined` refuses it. It is asked with every request, and each request acts through what it returned: a token that is not good
 * any more reaches no session, and one that stands for less than before reaches less. A session belongs to the token that opened it.
 * @throws MemoryError INVALID_INPUT for options that cannot be taken; what listening throws
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
export async function serveHttp(who: MemoryHandle | Authenticate, options: HttpOptions = {}): Promise<HttpServing> {
  const settings = settingsOf(who, options);
  const authenticate = authenticatorOf(who, settings.token);
  const sessions = new Sessions(settings);
  const server = createServer((request, response) => {
    answer(request, response, settings, authenticate, sessions).catch((error) => {
      settings.onError?.(error);
      if (!response.headersSent) refuse(response, 500, -32603, 'The request failed inside the server.');
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => settings.onError?.(error));
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      await sessions.close();
      server.closeAllConnections();
      await ended;
    })();
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

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  settings: HttpSettings,
  authenticate: Authenticate,
  sessions: Sessions,
): Promise<void> {
  if (!isKnownHost(request, settings)) return refuse(response, 403, -32000, 'This server has no such host name.');
  if (!isKnownOrigin(request, response, settings))
    return refuse(response, 403, -32000, 'This server is not for pages of that origin.');
  if (new URL(request.url ?? '', 'http://localhost').pathname !== settings.path)
    return refuse(response, 404, -32000, `There is nothing here: this server answers at ${settings.path}.`);
  if (request.method === 'OPTIONS') return answerPreflight(response);
  const token = bearerOf(request);
  const handle = token === undefined ? undefined : await authenticated(authenticate, token);
  if (token === undefined || handle === undefined) {
    response.setHeader('WWW-Authenticate', 'Bearer');
    return refuse(response, 401, -32000, 'A valid token is needed: Authorization: Bearer TOKEN.');
  }
  await sessions.answer(request, response, token, handle);
}

async function authenticated(authenticate: Authenticate, token: string): Promise<MemoryHandle | undefined> {
  const handle = await authenticate(token);
  if (handle === undefined || typeof handle.recall === 'function') return handle;
  const message = 'It must return a handle, or undefined to refuse the token.';
  throw new MemoryError('INVALID_INPUT', `The token check cannot be used. ${message}`, {
    issues: [{ path: [], message }],
  });
}

function urlOf({ address, family, port }: AddressInfo, { path }: HttpSettings): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}${path}`;
}
