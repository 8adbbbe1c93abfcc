import { expect, it } from 'vitest';
import { runExample } from './run-example';

it('three agents of a graph share a store, and a second run finds the fact of the first run', async () => {
  const { code, stdout, stderr } = await runExample('langgraph-three-agents.ts');
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'scout: Noted.',
    'planner: Dana wants to go by train.',
    'writer: Dana wants to go by train.',
    'scout: Noted.',
    expect.stringMatching(/^planner: .*by train\..*$/),
    expect.stringMatching(/^writer: .*window seat\..*$/),
    'an agent without a rule finds 0 items',
    '',
  ]);
  expect(code).toBe(0);
});
