import { expect, test } from 'vitest';
import { compareWorlds, playPolicies } from './through-mcp';

// `npm run test:access` plays 1,000 of them.
test('through an MCP server a store does under any policy what the reference evaluator says', async () => {
  expect(await playPolicies(12, 7)).toBeGreaterThan(500);
});

test('what a reader may not see changes nothing that an MCP server tells it', async () => {
  await compareWorlds(12, 1);
});
