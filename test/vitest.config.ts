import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root,
  resolve: {
    alias: [
      { find: /^multi-agent-memory\/testing$/, replacement: `${root}src/testing/index.ts` },
      { find: /^multi-agent-memory\/jetstream$/, replacement: `${root}src/jetstream/index.ts` },
      { find: /^multi-agent-memory\/langchain$/, replacement: `${root}src/integrations/langchain/index.ts` },
      { find: /^multi-agent-memory\/langgraph$/, replacement: `${root}src/integrations/langgraph/index.ts` },
      { find: /^multi-agent-memory\/mcp$/, replacement: `${root}src/integrations/mcp/index.ts` },
      { find: /^multi-agent-memory\/ai-sdk$/, replacement: `${root}src/integrations/ai-sdk/index.ts` },
      { find: /^multi-agent-memory$/, replacement: `${root}src/index.ts` },
    ],
  },
  test: {
    pool: 'forks',
    // Half of a test's time is waiting: for the disk, for a process that starts, for an election. More workers than cores use it.
    maxWorkers: 2 * availableParallelism(),
    // Time-outs find calls that never end. They leave room for a machine that does much else at the same time.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'daily',
          // Files share a process, which loads the library once: loading it for each file took a third of the time.
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.slow.test.ts', 'test/**/*.isolated.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // Files that replace modules or load the library more than once, which other files in their process would notice.
          name: 'isolated',
          include: ['test/**/*.isolated.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
