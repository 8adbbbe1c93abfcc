import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';

/**
 * Watches the requests of a transport. Call it before the server connects.
 *
 * @returns A function. Its promise resolves when every request was answered or cancelled.
 */
export function watchPendingRequests(transport: Transport): () => Promise<void> {
  const pending = new Set<RequestId>();
  let onIdle: () => void = () => undefined;
  const settle = (id: unknown) => {
    pending.delete(id as RequestId);
    if (pending.size === 0) onIdle();
  };
  transport.onmessage = (message: JSONRPCMessage) => {
    if ('method' in message && 'id' in message) pending.add(message.id);
    else if ('method' in message && message.method === 'notifications/cancelled') settle(message.params?.requestId);
  };
  const send = transport.send.bind(transport);
  transport.send = async (message, options) => {
    await send(message, options);
    if (!('method' in message)) settle(message.id);
  };
  return () =>
    new Promise((resolve) => {
      onIdle = resolve;
      if (pending.size === 0) resolve();
    });
}
