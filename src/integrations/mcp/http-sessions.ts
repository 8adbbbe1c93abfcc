import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { systemEnvironment } from '../../environment/environment';
import { pause, startStopwatch } from '../../environment/timers';
import type { MemoryHandle } from '../../index';
import { isSameDigest, tokenDigest } from '../shared/bearer-token';
import { type ClientReadiness, readinessOf } from './call-gate';
import type { HttpSettings } from './http-options';
import { requestMcpServer } from './mcp-server';
import { RecentEvents } from './recent-events';

interface HttpSession {
  readonly transport: StreamableHTTPServerTransport;
  readonly server: Server;
  /** The digest of the token that opened the session. Only this token can use the session. */
  readonly owner: Buffer;
  /** The number of unanswered requests, including open streams. */
  openRequests: number;
  /** Whether the token is still accepted. */
  readonly isValid: () => Promise<boolean>;
  lastUsedMs: number;
}

/** The sender of a request. */
export interface TokenBearer {
  readonly token: string;
  readonly handle: MemoryHandle;
  /** Whether the token is still accepted. */
  isValid(): Promise<boolean>;
}

/** Unanswered requests of one token. Each may hold a body and an answer in memory. */
const maxRequestsOfToken = 256;
const sessionIdBytes = 32;
// How long a client that lost its connection waits before it comes back.
const retryMs = 1_000;
const serverError = -32000;
const sessionNotFound = -32001;

/** The sessions of an HTTP server. Each belongs to one client and has its own MCP server and transport. */
export class HttpSessions {
  readonly #settings: HttpSettings;
  readonly #open = new Map<string, HttpSession>();
  /** The number of unanswered requests of each token, open streams included. */
  readonly #requests = new Map<string, number>();
  readonly #ending = new AbortController();
  readonly #elapsedMs = startStopwatch();
  readonly #environment = systemEnvironment();
  /** The number of sessions that are being opened. They also count for `maxSessions`. */
  #opening = 0;

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    void this.#closeIdle();
    void this.#closeRevoked();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Answers a request in the session that it names. A request that names no session opens a new one. */
  async answer(request: IncomingMessage, response: ServerResponse, caller: TokenBearer): Promise<void> {
    const { token, handle } = caller;
    const key = tokenDigest(token).toString('base64');
    const running = this.#requests.get(key) ?? 0;
    if (running >= maxRequestsOfToken)
      return sendError(
        response,
        429,
        serverError,
        `Too many requests at a time (${maxRequestsOfToken}): try again later.`,
      );
    this.#requests.set(key, running + 1);
    response.once('close', () => {
      const left = (this.#requests.get(key) ?? 1) - 1;
      if (left === 0) this.#requests.delete(key);
      else this.#requests.set(key, left);
    });
    const id = request.headers['mcp-session-id'];
    if (id === undefined) return this.#begin(request, response, caller);
    const session = typeof id === 'string' ? this.#open.get(id) : undefined;
    // If the session belongs to another token, the answer is the same as for a session that does not exist.
    if (session === undefined || !isSameDigest(session.owner, tokenDigest(token)))
      return sendError(response, 404, sessionNotFound, 'Session not found');
    await this.#use(session, request, response, handle);
  }

  /** Ends the sessions of a token, with their open streams. */
  async endOf(token: string): Promise<void> {
    const digest = tokenDigest(token);
    const ended = [...this.#open.values()].filter(({ owner }) => isSameDigest(owner, digest));
    await Promise.all(ended.map(({ server }) => server.close()));
  }

  /** Ends all sessions. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all([...this.#open.values()].map(({ server }) => server.close()));
  }

  async #begin(
    request: IncomingMessage,
    response: ServerResponse,
    { token, handle, isValid }: TokenBearer,
  ): Promise<void> {
    const { maxSessions, maxSessionsPerToken, maxBodyBytes } = this.#settings;
    const owner = tokenDigest(token);
    if (this.#sessionsOf(owner) >= maxSessionsPerToken)
      return sendError(
        response,
        429,
        serverError,
        `Too many sessions of this token (${maxSessionsPerToken}): end one, or wait until one has been idle.`,
      );
    if (this.#open.size + this.#opening >= maxSessions)
      return sendError(response, 503, serverError, `Too many sessions (${maxSessions}): end one, or try again later.`);
    this.#opening++;
    try {
      const server = requestMcpServer(
        {
          handleFor: ({ authInfo }) => authInfo?.extra?.handle as MemoryHandle,
          readinessFor: ({ authInfo }) => authInfo?.extra?.isReady as ClientReadiness,
        },
        this.#settings,
      );
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => Buffer.from(this.#environment.randomBytes(sessionIdBytes)).toString('base64url'),
        maxRequestBodySize: maxBodyBytes,
        eventStore: new RecentEvents(),
        retryInterval: retryMs,
        onsessioninitialized: (id) => {
          this.#open.set(id, session);
        },
      });
      const session: HttpSession = {
        transport,
        server,
        owner,
        isValid,
        openRequests: 0,
        lastUsedMs: this.#elapsedMs(),
      };
      server.onclose = () => {
        if (transport.sessionId !== undefined) this.#open.delete(transport.sessionId);
      };
      // The cast is needed because the SDK's types are not compatible with `exactOptionalPropertyTypes`.
      await server.connect(transport as Transport);
      await this.#use(session, request, response, handle);
      // Without a session id the SDK has rejected the request, because it was not `initialize`. No session was opened.
      if (transport.sessionId === undefined || this.#ending.signal.aborted) await server.close();
    } finally {
      this.#opening--;
    }
  }

  async #use(
    session: HttpSession,
    request: IncomingMessage,
    response: ServerResponse,
    handle: MemoryHandle,
  ): Promise<void> {
    session.openRequests++;
    response.once('close', () => {
      session.openRequests--;
      session.lastUsedMs = this.#elapsedMs();
    });
    const auth = { token: '', clientId: '', scopes: [], extra: { handle, isReady: readinessOf(response) } };
    await session.transport.handleRequest(Object.assign(request, { auth }), response);
  }

  #sessionsOf(owner: Buffer): number {
    let count = 0;
    for (const each of this.#open.values()) if (isSameDigest(each.owner, owner)) count++;
    return count;
  }

  /** Ends sessions whose token is no longer accepted. A stream makes no further requests at which this would be noticed. */
  async #closeRevoked(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await pause(this.#settings.revalidateMs, signal);
      for (const { server, isValid, openRequests } of [...this.#open.values()]) {
        // A failure of the host's function says nothing about the token.
        if (openRequests > 0 && !signal.aborted && !(await isValid().catch(() => true))) await server.close();
      }
    }
  }

  async #closeIdle(): Promise<void> {
    const { idleMs } = this.#settings;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await pause(Math.min(idleMs / 2, 60_000), signal);
      for (const { server, openRequests, lastUsedMs } of [...this.#open.values()])
        if (openRequests === 0 && this.#elapsedMs() - lastUsedMs >= idleMs) await server.close();
    }
  }
}

/** Sends an HTTP error status, with a JSON-RPC error that has no request id. */
export function sendError(response: ServerResponse, status: number, code: number, message: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }));
}
