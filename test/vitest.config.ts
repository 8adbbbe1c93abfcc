import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root,
  resolve: {
    alias: [
      { find: /^multi-agent-memory\/testing$/, replacement: `${root}src/testing/index.ts` },
      { find: /^multi-agent-memory\/langchain$/, replacement: `${root}src/integrations/langchain/index.ts` },
      { find: /^multi-agent-memory\/langgraph$/, replacement: `${root}src/integrations/langgraph/index.ts` },
      { find: /^multi-agent-memory\/mcp$/, replacement: `${root}src/integrations/mcp/index.ts` },
      { find: /^multi-agent-memory\/ai-sdk$/, replacement: `${root}src/integrations/ai-sdk/index.ts` },
      { find: /^multi-agent-memory$/, replacement: `${root}src/index.ts` },
    ],
  },
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000, pool: 'forks', maxWorkers: '100%' },
});
