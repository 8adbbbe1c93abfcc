import type { ServerResponse } from 'node:http';

/** Answers a request that reaches no session: a status of HTTP, and an error of JSON-RPC that names no request. */
export function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }));
}
