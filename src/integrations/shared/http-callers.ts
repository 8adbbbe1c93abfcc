import type { IncomingMessage, ServerResponse } from 'node:http';

/** The CORS headers of a server: what web pages may send, and what they may read. Comma-separated names. */
export interface CorsHeaders {
  readonly methods: string;
  readonly requestHeaders: string;
  readonly exposedHeaders: string;
}

/** The names of this machine for a server that listens on loopback, as they appear in the `Host` header. */
export const loopbackNames: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

const everyAddress: readonly string[] = ['0.0.0.0', '::', ''];
const dayInSeconds = 86_400;

/** Whether a server with this host listens on every address of the machine. */
export function listensOnEveryAddress(host: string): boolean {
  return everyAddress.includes(host);
}

/** A host as it appears in URLs and in the `Host` header: an IPv6 address has brackets there. */
export function hostName(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * Whether the request is addressed to one of the given names, without port. This stops DNS rebinding: a web page whose own name
 * resolves to this machine still sends its own name.
 */
export function isAllowedHost({ headers }: IncomingMessage, names: ReadonlySet<string>): boolean {
  const name = (headers.host ?? '').toLowerCase().replace(/:\d*$/, '');
  return names.has(name);
}

/** Whether the request comes from a program or from an allowed web page. Sets the CORS headers for an allowed page. */
export function allowOrigin(
  { headers }: IncomingMessage,
  response: ServerResponse,
  origins: ReadonlySet<string>,
  { exposedHeaders }: CorsHeaders,
): boolean {
  const { origin } = headers;
  // Only browsers send an origin.
  if (origin === undefined) return true;
  if (!origins.has(origin)) return false;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Expose-Headers', exposedHeaders);
  response.setHeader('Vary', 'Origin');
  return true;
}

/** Answers the preflight request, which a browser sends without token before the real one. */
export function answerPreflight(response: ServerResponse, { methods, requestHeaders }: CorsHeaders): void {
  response.writeHead(204, {
    'Access-Control-Allow-Methods': methods,
    'Access-Control-Allow-Headers': requestHeaders,
    'Access-Control-Max-Age': dayInSeconds,
  });
  response.end();
}
