import { expect, it } from 'vitest';
import { runExample } from './run-example';

it('two MCP clients share a memory: one uses the SDK, one writes lines of JSON-RPC', async () => {
  const { code, stdout, stderr } = await runExample('mcp-client.ts');
  expect(stderr).toBe('');
  expect(stdout).toContain('planner can use add_memory, search_memories, get_memory');
  expect(stdout).toContain('researcher finds, written by planner: Dana wants to go by train, at the window.\n');
  expect(stdout).toContain('researcher gets the error: INVALID_INPUT\n');
  expect(code).toBe(0);
});
