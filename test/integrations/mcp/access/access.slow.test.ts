import { expect, test } from 'vitest';
import { compareWorlds, playPolicies } from './play-over-mcp';

// `npm run test:access` plays 1,000 policies.
test('an MCP server allows under any policy what the reference evaluator allows', async () => {
  expect(await playPolicies(12, 7)).toBeGreaterThan(500);
});

test('hidden memories change nothing that an MCP server returns', async () => {
  await compareWorlds(12, 1);
});
