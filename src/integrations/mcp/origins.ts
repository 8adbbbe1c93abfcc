import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpSettings } from './http-options';

const dayInSeconds = 86_400;

/**
 * Whether the request names one of the server's own names. A page whose name was made to point to this machine (DNS rebinding)
 * names its own.
 */
export function isKnownHost({ headers }: IncomingMessage, { hosts }: HttpSettings): boolean {
  const name = (headers.host ?? '').toLowerCase().replace(/:\d*$/, '');
  return hosts.has(name);
}

/** Whether the request comes from no web page, or from one that may call; tells the browser of such a page that it may. */
export function isKnownOrigin(
  { headers }: IncomingMessage,
  response: ServerResponse,
  { origins }: HttpSettings,
): boolean {
  const { origin } = headers;
  if (origin === undefined) return true;
  if (!origins.has(origin)) return false;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Expose-Headers', 'Mcp-Session-Id');
  response.setHeader('Vary', 'Origin');
  return true;
}

/** What a browser asks before it sends a token. */
export function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    'Access-Control-Allow-Methods': 'GET, POST, DELETE',
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID',
    'Access-Control-Max-Age': dayInSeconds,
  });
  response.end();
}
