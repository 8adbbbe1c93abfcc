import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { ErrorCode, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { MemoryHandle } from '../../index';
import { LineLimit } from './line-limit';
import { onceAnswered } from './once-answered';
import { type McpServerOptions, memoryMcpServer } from './server';

/** What `serveStdio` takes beside its handle. */
export interface StdioOptions extends McpServerOptions {
  /** Where messages come from. Default: the standard input of the process. */
  input?: Readable;
  /** Where messages go. Default: the standard output of the process, on which nothing else may then be written. */
  output?: Writable;
  /** The longest message, in bytes. A longer one is refused, and the next one is served. Default: 4 MiB. */
  maxMessageBytes?: number;
}

/** A client that is served. */
export interface StdioServing {
  /** Resolves when the client is gone and everything it asked is answered, or after `close`. */
  readonly closed: Promise<void>;
  /** Ends what is under way and reads no more. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const defaultMaxMessageBytes = 4 * 1024 * 1024;

/**
 * Serves one client over standard input and output, as MCP clients start servers: a message a line. Whoever starts the process says
 * who acts, by the handle. A line that is no message is answered with an error of JSON-RPC, and the next one is served. When
 * the input ends, what was asked is answered first.
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
export async function serveStdio(handle: MemoryHandle, options: StdioOptions = {}): Promise<StdioServing> {
  const { input = process.stdin, output = process.stdout, maxMessageBytes = defaultMaxMessageBytes, onError } = options;
  const server = memoryMcpServer(handle, options);
  const lines = new LineLimit(maxMessageBytes);
  // The lines are short enough already.
  const transport = new StdioServerTransport(lines, output, { maxBufferSize: Number.POSITIVE_INFINITY });
  const refuse = (code: ErrorCode, message: string) => {
    const refusal = { jsonrpc: '2.0', id: null, error: { code, message } };
    void transport.send(refusal as unknown as JSONRPCMessage);
  };
  let line: Buffer = Buffer.alloc(0);
  lines.on('data', (each: Buffer) => {
    line = each;
  });
  lines.on('too-long', () => refuse(ErrorCode.InvalidRequest, `A message must not exceed ${maxMessageBytes} bytes.`));
  transport.onerror = (error) => {
    if (error instanceof SyntaxError) refuse(ErrorCode.ParseError, 'Parse error: a line is not JSON.');
    else if (error.name === 'ZodError' && !isAnswer(line))
      refuse(ErrorCode.InvalidRequest, 'Invalid Request: no JSON-RPC 2.0 message.');
  };
  const closed = new Promise<void>((resolve) => {
    server.onclose = resolve;
  });
  const answered = onceAnswered(transport);
  await server.connect(transport);
  const close = () => server.close();
  lines.once('end', () => void answered().then(close));
  input.once('error', (error) => {
    onError?.(error);
    lines.end();
  });
  // A client that is gone reads no answers.
  const onLost = (error: unknown) => {
    onError?.(error);
    void close();
  };
  output.on('error', onLost);
  void closed.then(() => {
    input.unpipe(lines);
    input.pause();
    lines.destroy();
  });
  input.pipe(lines);
  return { closed, close, [Symbol.asyncDispose]: close };
}

/** A peer that answers answers, and one that does the same, would go on for ever. */
function isAnswer(line: Buffer): boolean {
  const value: unknown = JSON.parse(line.toString());
  return typeof value === 'object' && value !== null && !('method' in value) && ('error' in value || 'result' in value);
}
