import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { systemEnvironment } from '../../environment/environment';
import { pause, startStopwatch } from '../../environment/timers';
import type { MemoryHandle } from '../../index';
import { digestOf, sameDigest } from './bearer';
import type { HttpSettings } from './http-options';
import { refuse } from './http-refusal';
import { mcpServerOf } from './server';

interface Session {
  readonly transport: StreamableHTTPServerTransport;
  readonly server: Server;
  /** Of the token that opened it. */
  readonly owner: Buffer;
  /** Requests that are not answered yet, streams that are open among them. */
  busy: number;
  usedAtMs: number;
}

const idBytes = 32;
const sessionNotFound = -32001;

/** The sessions of an HTTP server: each of one client, with a server and a transport of its own. */
export class Sessions {
  readonly #settings: HttpSettings;
  readonly #open = new Map<string, Session>();
  readonly #ending = new AbortController();
  readonly #elapsedMs = startStopwatch();
  readonly #environment = systemEnvironment();
  /** Those that are being opened have their place already. */
  #opening = 0;

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    void this.#closeIdle();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Answers a request of whoever the token belongs to. */
  async answer(request: IncomingMessage, response: ServerResponse, token: string, handle: MemoryHandle): Promise<void> {
    const id = request.headers['mcp-session-id'];
    if (id === undefined) return this.#begin(request, response, token, handle);
    const session = typeof id === 'string' ? this.#open.get(id) : undefined;
    // Somebody else's looks like one that is not there.
    if (session === undefined || !sameDigest(session.owner, digestOf(token)))
      return refuse(response, 404, sessionNotFound, 'Session not found');
    await this.#use(session, request, response, handle);
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all([...this.#open.values()].map(({ server }) => server.close()));
  }

  async #begin(request: IncomingMessage, response: ServerResponse, token: string, handle: MemoryHandle): Promise<void> {
    const { maxSessions, maxBodyBytes } = this.#settings;
    if (this.#open.size + this.#opening >= maxSessions)
      return refuse(response, 503, -32000, 'There are too many sessions: end one, or come back later.');
    this.#opening++;
    try {
      const server = mcpServerOf(({ authInfo }) => authInfo?.extra?.handle as MemoryHandle, this.#settings);
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => Buffer.from(this.#environment.randomBytes(idBytes)).toString('base64url'),
        maxRequestBodySize: maxBodyBytes,
        onsessioninitialized: (id) => {
          this.#open.set(id, session);
        },
      });
      const session: Session = { transport, server, owner: digestOf(token), busy: 0, usedAtMs: this.#elapsedMs() };
      server.onclose = () => {
        if (transport.sessionId !== undefined) this.#open.delete(transport.sessionId);
      };
      // Its types leave `undefined` out of optional properties, which ours forbid.
      await server.connect(transport as Transport);
      await this.#use(session, request, response, handle);
      // What was no request to open a session was refused, and has opened none.
      if (transport.sessionId === undefined || this.#ending.signal.aborted) await server.close();
    } finally {
      this.#opening--;
    }
  }

  async #use(
    session: Session,
    request: IncomingMessage,
    response: ServerResponse,
    handle: MemoryHandle,
  ): Promise<void> {
    session.busy++;
    response.once('close', () => {
      session.busy--;
      session.usedAtMs = this.#elapsedMs();
    });
    const auth = { token: '', clientId: '', scopes: [], extra: { handle } };
    await session.transport.handleRequest(Object.assign(request, { auth }), response);
  }

  async #closeIdle(): Promise<void> {
    const { idleMs } = this.#settings;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await pause(Math.min(idleMs / 2, 60_000), signal);
      for (const { server, busy, usedAtMs } of [...this.#open.values()])
        if (busy === 0 && this.#elapsedMs() - usedAtMs >= idleMs) await server.close();
    }
  }
}
