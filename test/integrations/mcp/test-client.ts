import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { MemoryHandle } from 'multi-agent-memory';
import { type McpServerOptions, memoryMcpServer } from 'multi-agent-memory/mcp';

export const clientInfo = { name: 'test', version: '1' };

/**
 * A client of the SDK, connected to a server for the handle in this process. It has listed the tools, as real clients do: from then on it
 * rejects each result that does not match the output schema.
 */
export async function connected(handle: MemoryHandle, options: McpServerOptions = {}): Promise<Client> {
  const [clientTransport, serverTransport] = InMemoryTransport.createLinkedPair();
  await memoryMcpServer(handle, options).connect(serverTransport);
  const client = new Client(clientInfo);
  await client.connect(clientTransport);
  await client.listTools();
  return client;
}

/** Calls a tool. */
export async function call(client: Client, name: string, given: Record<string, unknown>): Promise<CallToolResult> {
  return (await client.callTool({ name, arguments: given })) as CallToolResult;
}

/** The structured result of a tool. */
export async function answered<T = Record<string, unknown>>(
  client: Client,
  name: string,
  given: Record<string, unknown>,
): Promise<T> {
  const result = await call(client, name, given);
  if (result.isError) throw new Error(textOf(result));
  return result.structuredContent as T;
}

/** The error that a tool returned. */
export async function refusal(client: Client, name: string, given: Record<string, unknown>) {
  const result = await call(client, name, given);
  if (!result.isError) throw new Error(`${name} did not fail: ${textOf(result)}`);
  return (JSON.parse(textOf(result)) as { error: { code: string; message: string; issues: unknown[] } }).error;
}

/** The text of a result, for models. */
export function textOf({ content }: CallToolResult): string {
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}
