import type { IncomingMessage, ServerResponse } from 'node:http';

/** The CORS settings of a server: what web pages may send, and what they may read. Each is a list of names, separated by commas. */
export interface CorsHeaders {
  readonly methods: string;
  readonly requestHeaders: string;
  readonly exposedHeaders: string;
}

/** The names in the `Host` header with which clients call a server that listens on loopback. */
export const loopbackNames: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

const everyAddress: readonly string[] = ['0.0.0.0', '::', ''];
const dayInSeconds = 86_400;

/** Checks whether a server with this host listens on every address of the machine. */
export function listensOnEveryAddress(host: string): boolean {
  return everyAddress.includes(host);
}

/** Formats a host for URLs and for the `Host` header, in which an IPv6 address has brackets. */
export function hostName(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * Checks whether the `Host` header of a request contains one of the given names, without the port. This prevents DNS rebinding: a web
 * page can make its own name resolve to this machine, but its requests still contain its own name.
 */
export function isAllowedHost({ headers }: IncomingMessage, names: ReadonlySet<string>): boolean {
  const name = (headers.host ?? '').toLowerCase().replace(/:\d*$/, '');
  return names.has(name);
}

/** Checks whether a request comes from a program or from an allowed web page. For an allowed page, sets the CORS headers. */
export function allowOrigin(
  { headers }: IncomingMessage,
  response: ServerResponse,
  origins: ReadonlySet<string>,
  { exposedHeaders }: CorsHeaders,
): boolean {
  const { origin } = headers;
  // Only browsers send an origin, so a request without one comes from a program.
  if (origin === undefined) return true;
  if (!origins.has(origin)) return false;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Expose-Headers', exposedHeaders);
  response.setHeader('Vary', 'Origin');
  return true;
}

/** Answers the preflight request, which a browser sends before the real request. It contains no token. */
export function answerPreflight(response: ServerResponse, { methods, requestHeaders }: CorsHeaders): void {
  response.writeHead(204, {
    'Access-Control-Allow-Methods': methods,
    'Access-Control-Allow-Headers': requestHeaders,
    'Access-Control-Max-Age': dayInSeconds,
  });
  response.end();
}
