import { expect, it } from 'vitest';
import { runExample } from './run-example';

it('one line gives an agent of LangChain a memory over threads and over agents', async () => {
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
