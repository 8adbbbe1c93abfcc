/**
 * Two MCP clients share one memory. The first uses the MCP SDK. The second only writes and reads lines of JSON-RPC, as a program in
 * any language could. Each client starts its own server process, one after the other, and the second finds what the first has stored.
 *
 * `mcp-client.ts serve FOLDER AGENT` runs such a server.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { allow, MemoryStore } from 'multi-agent-memory';
import { serveStdio } from 'multi-agent-memory/mcp';

const [mode, storeFolder = '', agent = ''] = process.argv.slice(2);
if (mode === 'serve') await serve(storeFolder, agent);
else await runClients();

async function serve(folder: string, agentId: string): Promise<void> {
  await using store = await MemoryStore.open(folder, { access: [allow('everyone', 'writer', ['notes'])] });
  // The server chooses the principal. A model cannot change it with arguments.
  const { closed } = await serveStdio(store.as({ agentId }, { namespace: ['notes'] }));
  await closed;
}

async function runClients(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'memory-'));
  const argsFor = (agentId: string) => [
    '--import',
    'tsx',
    fileURLToPath(import.meta.url),
    ...['serve', folder, agentId],
  ];
  await withSdk(argsFor('planner'));
  await withLines(argsFor('researcher'));
  await rm(folder, { recursive: true });
}

async function withSdk(args: string[]): Promise<void> {
  const client = new Client({ name: 'planner', version: '1.0.0' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args }));
  const { tools } = await client.listTools();
  console.log(`planner can use ${tools.map(({ name }) => name).join(', ')}`);
  await client.callTool({ name: 'add_memory', arguments: { text: 'Dana wants to go by train, at the window.' } });
  await client.close();
}

async function withLines(args: string[]): Promise<void> {
  const server = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  let id = 0;
  const request = async (method: string, params: object) => {
    server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params })}\n`);
    return JSON.parse((await lines.next()).value);
  };
  const clientInfo = { name: 'researcher', version: '1.0.0' };
  await request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  server.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  const search = { name: 'search_memories', arguments: { query: 'How does Dana travel?' } };
  const { result } = await request('tools/call', search);
  for (const { agentId, text } of result.structuredContent.memories)
    console.log(`researcher finds, written by ${agentId}: ${text}`);
  const invalid = await request('tools/call', { name: 'search_memories', arguments: { query: 'x', as: 'root' } });
  console.log(`researcher gets the error: ${JSON.parse(invalid.result.content[0].text).error.code}`);
  server.stdin.end();
  await new Promise((resolve) => server.once('close', resolve));
}
