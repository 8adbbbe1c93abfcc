import { expect, it } from 'vitest';
import { runExample } from './run-example';

it('an agent of LangChain remembers across threads and knows what another agent stored', async () => {
  const { code, stdout, stderr } = await runExample('create-agent.ts');
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'monday> My bicycle is a red Thorn with a Rohloff hub.',
    'A fine bicycle.',
    'friday> Which hub does my bicycle have?',
    'A Rohloff hub.',
    'saturday> Was my hub serviced?',
    'Yes, on 3 March.',
    '',
  ]);
  expect(code).toBe(0);
});
