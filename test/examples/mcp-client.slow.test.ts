import { expect, it } from 'vitest';
import { runExample } from './run-example';

it('two clients over MCP share a memory, one of which speaks JSON-RPC line by line', async () => {
  const { code, stdout, stderr } = await runExample('mcp-client.ts');
  expect(stderr).toBe('');
  expect(stdout).toContain('planner sees add_memory, search_memories, get_memory');
  expect(stdout).toContain('researcher finds, by planner: Dana wants to go by train, at the window.\n');
  expect(stdout).toContain('researcher is told: INVALID_INPUT\n');
  expect(code).toBe(0);
});
