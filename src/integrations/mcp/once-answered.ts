import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';

/** Watches a transport. What it returns resolves when everything that was asked is answered or taken back. */
export function onceAnswered(transport: Transport): () => Promise<void> {
  const open = new Set<RequestId>();
  let wake: () => void = () => undefined;
  const settle = (id: unknown) => {
    open.delete(id as RequestId);
    if (open.size === 0) wake();
  };
  transport.onmessage = (message: JSONRPCMessage) => {
    if ('method' in message && 'id' in message) open.add(message.id);
    else if ('method' in message && message.method === 'notifications/cancelled') settle(message.params?.requestId);
  };
  const send = transport.send.bind(transport);
  transport.send = async (message, options) => {
    await send(message, options);
    if (!('method' in message)) settle(message.id);
  };
  return () =>
    new Promise((resolve) => {
      wake = resolve;
      if (open.size === 0) resolve();
    });
}
