import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type Server as TlsServer } from 'node:tls';
import { invalidInput } from '../../domain/errors';
import { addressParts, isLoopback } from '../../domain/node-address';
import { acceptHandshake, type Greeting, type Introduction, RefusedError, sendRefusal } from './handshake';
import { equalTls, isCertificateOf, secureOptions } from './peer-certificate';
import { addressWithoutPrefix, type ConnectionTerms, handshakeTerms } from './tcp-dialler';
import type { TransportTls } from './tcp-options';
import { Wire } from './wire';

/** What becomes of the connections that a listener has accepted. */
export interface ListenerUser {
  /** Throws RefusedError, or WireError, if this node does not want the connection. */
  check(introduction: Introduction): void;
  /** The host at which a member is expected, to compare it with its certificate. Undefined if the node is no member. */
  hostOf(node: number): string | undefined;
  /** Takes a connection after the handshake. */
  onConnection(wire: Wire, introduction: Introduction): void;
  onRefused(error: RefusedError, remoteAddress: string): void;
}

/** Accepts connections of other nodes. A connection that does not prove itself in time, or with few bytes, is closed. */
export class TcpListener {
  readonly #terms: ConnectionTerms;
  readonly #user: ListenerUser;
  readonly #server: Server;
  readonly #tlsServer: TlsServer | undefined;
  readonly #sockets = new Set<Socket>();
  // Sockets that have not proved themselves, the oldest first, by the address of the other side.
  readonly #unproved = new Map<string, Socket>();
  #tls: TransportTls | undefined;

  /** @throws INVALID_INPUT if the certificates cannot be used */
  constructor(terms: ConnectionTerms, user: ListenerUser) {
    this.#terms = terms;
    this.#user = user;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.on('error', () => undefined);
    this.#tlsServer = terms.tls === undefined ? undefined : this.#makeTlsServer(terms.tls);
  }

  /** Begins to listen, and returns the port. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(host, port, error)));
      this.#server.listen({ host, port }, () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Closes all connections, also those that others have taken. */
  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #makeTlsServer(readTls: () => TransportTls): TlsServer {
    try {
      const tls = readTls();
      // A connection without a proper certificate is told so, and then closed: see `#shake`.
      const options = { ...secureOptions(tls), requestCert: true, rejectUnauthorized: false };
      const server = createTlsServer({ ...options, handshakeTimeout: this.#terms.limits.helloMs }, (socket) =>
        this.#shake(socket, `${socket.remoteAddress}:${socket.remotePort}`),
      );
      this.#tls = tls;
      server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
        const refused = new RefusedError('UNAUTHENTICATED', undefined, error.code);
        if (error.code !== 'ECONNRESET') this.#user.onRefused(refused, socket.remoteAddress ?? 'an unknown address');
        socket.destroy();
      });
      return server;
    } catch (cause) {
      throw badCertificates(cause);
    }
  }

  #accept(socket: Socket): void {
    const key = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.on('error', () => undefined);
    if (this.#tlsServer === undefined && !isLoopback(addressWithoutPrefix(socket.remoteAddress ?? ''))) {
      socket.destroy();
      return;
    }
    this.#admit(socket, key);
    if (this.#tlsServer === undefined) this.#shake(socket, key);
    else if (this.#readCertificates(this.#tlsServer)) this.#tlsServer.emit('connection', socket);
    else socket.destroy();
  }

  #admit(socket: Socket, key: string): void {
    const { limits, schedule } = this.#terms;
    const oldest = this.#unproved.values().next().value;
    if (this.#unproved.size >= limits.maxUnproved) oldest?.destroy();
    this.#sockets.add(socket);
    this.#unproved.set(key, socket);
    const cancel = schedule(limits.helloMs, () => {
      if (this.#unproved.get(key) === socket) socket.destroy();
    });
    socket.on('close', () => {
      cancel();
      this.#sockets.delete(socket);
      if (this.#unproved.get(key) === socket) this.#unproved.delete(key);
    });
  }

  // New certificates hold from the next connection on. Bad ones must not end the process: connections are refused until they are mended.
  #readCertificates(server: TlsServer): boolean {
    try {
      const tls = this.#terms.tls?.();
      if (tls === undefined) return false;
      if (this.#tls === undefined || !equalTls(tls, this.#tls)) server.setSecureContext(secureOptions(tls));
      this.#tls = tls;
      return true;
    } catch {
      this.#tls = undefined;
      this.#user.onRefused(
        new RefusedError('UNAUTHENTICATED', undefined, 'the own certificates cannot be read'),
        'this node',
      );
      return false;
    }
  }

  #shake(socket: Socket, key: string): void {
    const { limits, schedule } = this.#terms;
    const wire = new Wire(socket);
    socket.on('close', () => this.#unproved.delete(key));
    this.#handshake(socket, wire).then(
      (introduction) => {
        this.#unproved.delete(key);
        wire.setProved();
        wire.keepAlive(limits.pingMs, limits.silentMs, schedule);
        this.#user.onConnection(wire, introduction);
      },
      (error: unknown) => {
        if (error instanceof RefusedError) this.#user.onRefused(error, wire.remoteAddress);
        wire.end(limits.pingMs, schedule);
      },
    );
  }

  async #handshake(socket: Socket, wire: Wire): Promise<Introduction> {
    const problem = socket instanceof TLSSocket ? certificateProblem(socket) : undefined;
    if (problem !== undefined) {
      sendRefusal(wire, 'UNAUTHENTICATED');
      throw new RefusedError('UNAUTHENTICATED', undefined, problem);
    }
    const greet = (introduction: Introduction): Greeting => {
      this.#checkNames(socket, introduction);
      this.#user.check(introduction);
      return this.#terms.greeting();
    };
    return acceptHandshake(wire, greet, handshakeTerms(this.#terms));
  }

  #checkNames(socket: Socket, { greeting: { identity, address } }: Introduction): void {
    if (!(socket instanceof TLSSocket)) return;
    const certificate = socket.getPeerX509Certificate();
    // A member must be where the cluster knows it to be. Of another node, only what it says is known.
    const host = this.#user.hostOf(identity.node) ?? addressParts(address)?.host ?? '';
    if (certificate !== undefined && isCertificateOf(certificate, identity.node, host)) return;
    const names = `the certificate names neither ${host} nor node:${identity.node}`;
    throw new RefusedError('UNAUTHENTICATED', undefined, names);
  }
}

/** Why the certificate of a client is not accepted. Undefined if it is. */
function certificateProblem(socket: TLSSocket): string | undefined {
  // A resumed session shows no certificate. None can be resumed, because no tickets are given out.
  const hasCertificate = socket.getPeerX509Certificate() !== undefined && !socket.isSessionReused();
  if (socket.authorized && hasCertificate) return undefined;
  return hasCertificate ? String(socket.authorizationError) : 'no certificate';
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException) {
  const message = `cannot listen on ${host} port ${port}: ${error.code}. Choose a free port and an address of this machine.`;
  return invalidInput([{ path: ['cluster', 'listen'], message }], 'options');
}

function badCertificates(cause: unknown) {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'it returned something else';
  const message = `expected a key, a certificate and authorities in PEM format that belong together (${reason}).`;
  return invalidInput([{ path: ['cluster', 'tls'], message }], 'options');
}
