import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request as a test sees it. */
export interface SeenRequest {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: { model: string; input: string[]; encoding_format?: string; dimensions?: number };
  readonly socket: Socket;
}

/** Answers one request. */
export type Reply = (request: SeenRequest, response: ServerResponse) => void;

/** The dimensions of the vectors of the server. */
export const dimensions = 64;

/** A vector that depends on the words of the text. */
export function vectorOf(text: string, size = dimensions): number[] {
  const vector = new Array<number>(size).fill(0.001);
  for (const word of text.toLowerCase().split(/[^\p{L}\p{N}]+/u)) {
    let hash = 7;
    for (const letter of word) hash = (hash * 31 + letter.codePointAt(0)!) >>> 0;
    vector[hash % size]! += 1;
  }
  return vector;
}

/** The response of a healthy server. */
export const healthy: Reply = ({ body }, response) => {
  sendJson(response, { object: 'list', model: body.model, data: itemsFor(body.input) });
};

/** The items of a healthy response. */
export function itemsFor(texts: readonly string[], size = dimensions) {
  // `of` is for tests that change an item. Clients ignore unknown fields.
  return texts.map((of, index) => ({ object: 'embedding', index, embedding: vectorOf(of, size) as unknown, of }));
}

export function sendJson(response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** A response whose items a test has changed. */
export function altered(change: (items: ReturnType<typeof itemsFor>) => unknown): Reply {
  return ({ body }, response) => sendJson(response, { data: change(itemsFor(body.input)) });
}

/** An error response in the form of OpenAI. */
export function refusing(
  status: number,
  error: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Reply {
  return (_, response) => sendJson(response, { error: { message: 'No.', ...error } }, status, headers);
}

/**
 * A server that speaks OpenAI's protocol, on this machine, until the test ends. `replies` are used up one by one; after them, and
 * where there are none, `always` answers.
 */
export async function providerServer(...replies: Reply[]) {
  const requests: SeenRequest[] = [];
  const control = { always: healthy };
  const server = createServer(async (incoming, response) => {
    let text = '';
    for await (const chunk of incoming) text += chunk;
    const { url = '', headers, socket } = incoming;
    const request = { url, headers, body: JSON.parse(text) as SeenRequest['body'], socket };
    requests.push(request);
    (replies.shift() ?? control.always)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseURL: `http://127.0.0.1:${port}/v1`, requests, replies, control, origin: `http://127.0.0.1:${port}` };
}

/** A port of this machine on which no process listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
