import { pause } from '../environment/timers';
import { jsonLines } from './json-lines';
import type { Terminal } from './terminal';

// JSON-RPC leaves the codes from -32000 to -32099 to servers.
const serverError = -32_000;
// A client sends its first message at once. Without one, a person or a script has started the program.
const maxWaitMs = 10_000;

/**
 * Answers the first request of an MCP client with an error that says why the server did not start. Otherwise the client would only
 * see that the connection was closed.
 */
export async function refuseClient(
  { input, isInteractive, print, signal }: Terminal,
  problems: readonly string[],
): Promise<void> {
  if (isInteractive === true) return;
  const answered = new AbortController();
  const answer = async () => {
    for await (const line of jsonLines(input)) {
      const id = 'value' in line ? requestId(line.value) : undefined;
      if (id === undefined) continue;
      const error = { code: serverError, message: `The server did not start. ${problems.join(' ')}` };
      await print(JSON.stringify({ jsonrpc: '2.0', id, error }));
      return;
    }
  };
  // The error that ended the program is already reported. A client that has left needs no answer.
  const ended = answer().catch(() => undefined);
  await Promise.race([ended, pause(maxWaitMs, AbortSignal.any([signal, answered.signal]))]);
  answered.abort();
}

function requestId(message: unknown): string | number | undefined {
  if (typeof message !== 'object' || message === null || !('method' in message) || !('id' in message)) return undefined;
  const { id } = message;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}
