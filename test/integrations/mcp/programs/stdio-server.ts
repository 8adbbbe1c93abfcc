/** A server over standard input and output: `stdio-server.ts FOLDER AGENT NAMESPACE`. */
import { allow, MemoryStore } from 'multi-agent-memory';
import { serveStdio } from 'multi-agent-memory/mcp';

const [folder = '', agentId = '', label = ''] = process.argv.slice(2);
const store = await MemoryStore.open(folder, { access: [allow('everyone', 'writer', ['notes'])] });
const { closed } = await serveStdio(store.as({ agentId }, { namespace: [label] }), { maxMessageBytes: 100_000 });
await closed;
await store.close();
