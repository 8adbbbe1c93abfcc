import { expect, it } from 'vitest';
import { runExample } from './run-example';

it('three agents of a graph share a store, and a second run knows what the first one noted', async () => {
  const { code, stdout, stderr } = await runExample('langgraph-three-agents.ts');
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'scout: Noted.',
    'planner: Dana wants to go by train.',
    'writer: Dana wants to go by train.',
    'scout: Noted.',
    expect.stringMatching(/^planner: .*by train\..*$/),
    expect.stringMatching(/^writer: .*window seat\..*$/),
    'a stranger finds 0 items',
    '',
  ]);
  expect(code).toBe(0);
});
