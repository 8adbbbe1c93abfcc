import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { ErrorCode, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { isErrorNamed } from '../../domain/realms';
import type { MemoryHandle } from '../../index';
import { readinessOf } from './call-gate';
import { LineLimit } from './line-limit';
import { errorReporter, type McpServerOptions, requestMcpServer } from './mcp-server';
import { watchPendingRequests } from './pending-requests';

/** Options of `serveStdio`. */
export interface McpStdioOptions extends McpServerOptions {
  /** The stream from which messages are read. Default: the standard input of the process. */
  input?: Readable;
  /** The stream to which messages are written. Nothing else may write to it. Default: the standard output of the process. */
  output?: Writable;
  /** The maximum length of a message, in bytes. A longer message is rejected, and later messages are answered. Default: 4 MiB. */
  maxMessageBytes?: number;
}

/** A running MCP server for one client over standard input and output. */
export interface McpStdioServer {
  /** Resolves when the client has disconnected and every request was answered, or after `close`. */
  readonly closed: Promise<void>;
  /** Aborts running calls and stops reading. Can be called more than once. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const defaultMaxMessageBytes = 4 * 1024 * 1024;

/**
 * Serves one MCP client over standard input and output, with one JSON-RPC message on each line. All calls from the client use the given
 * handle. A line that is not a message gets a JSON-RPC error, and the server continues with the next line. At the end of the input, all
 * earlier requests are still answered.
 *
 * @example
 * ```ts
 * import { MemoryStore } from 'multi-agent-memory';
 * import { serveStdio } from 'multi-agent-memory/mcp';
 * const store = await MemoryStore.open('./memory');
 * const { closed } = await serveStdio(store.as({ agentId: 'assistant' }, { namespace: ['notes'] }));
 * await closed;
 * await store.close();
 * ```
 */
export async function serveStdio(handle: MemoryHandle, options: McpStdioOptions = {}): Promise<McpStdioServer> {
  const { input = process.stdin, output = process.stdout, maxMessageBytes = defaultMaxMessageBytes } = options;
  const report = errorReporter(options);
  const isReady = readinessOf(output);
  const server = requestMcpServer({ handleFor: () => handle, readinessFor: () => isReady }, options);
  const lines = new LineLimit(maxMessageBytes);
  // `LineLimit` already limits the length of a message.
  const transport = new StdioServerTransport(lines, output, { maxBufferSize: Number.POSITIVE_INFINITY });
  sendInOrder(transport);
  rejectInvalidLines(lines, transport, maxMessageBytes);
  const closed = new Promise<void>((resolve) => {
    server.onclose = resolve;
  });
  const allAnswered = watchPendingRequests(transport);
  await server.connect(transport);
  const close = () => server.close();
  lines.once('end', () => void allAnswered().then(close));
  input.once('error', (error) => {
    report(error);
    lines.end();
  });
  // If the output fails, the client has disconnected and reads no answers.
  output.on('error', (error: unknown) => {
    report(error);
    void close();
  });
  void closed.then(() => {
    input.unpipe(lines);
    input.pause();
    lines.destroy();
  });
  input.pipe(lines);
  return { closed, close, [Symbol.asyncDispose]: close };
}

/**
 * Sends one message at a time. The SDK lets each message wait for the output by itself, and Node.js warns about more than 10 that do.
 */
function sendInOrder(transport: StdioServerTransport): void {
  const send = transport.send.bind(transport);
  let sent: Promise<void> = Promise.resolve();
  transport.send = (message) => {
    sent = sent.then(() => send(message));
    return sent;
  };
}

/** Answers each line that is not a valid message with a JSON-RPC error. */
function rejectInvalidLines(lines: LineLimit, transport: StdioServerTransport, maxMessageBytes: number): void {
  const reject = (code: ErrorCode, message: string) => {
    const response = { jsonrpc: '2.0', id: null, error: { code, message } };
    void transport.send(response as unknown as JSONRPCMessage);
  };
  let line: Buffer = Buffer.alloc(0);
  lines.on('data', (each: Buffer) => {
    line = each;
  });
  lines.on('too-long', () =>
    reject(ErrorCode.InvalidRequest, `Invalid Request: a message must not be longer than ${maxMessageBytes} bytes.`),
  );
  transport.onerror = (error) => {
    if (isErrorNamed(error, 'SyntaxError')) reject(ErrorCode.ParseError, 'Parse error: the line is not valid JSON.');
    else if (error.name === 'ZodError' && !isResponse(line))
      reject(ErrorCode.InvalidRequest, 'Invalid Request: the line is not a JSON-RPC 2.0 message.');
  };
}

/** Checks whether a line is a response. Responses are never answered, because two programs that did this would never stop. */
function isResponse(line: Buffer): boolean {
  const value: unknown = JSON.parse(line.toString());
  return typeof value === 'object' && value !== null && !('method' in value) && ('error' in value || 'result' in value);
}
