import { expect, test } from 'vitest';
import { runExample } from './run-example';

test('a customer is erased with a receipt, and a restored backup brings nothing back', async () => {
  const { code, stdout, stderr } = await runExample('right-to-be-forgotten.ts');
  expect(stderr).toBe('');
  expect(stdout.split('\n').filter((line) => line !== '')).toEqual([
    'The agents know about her:',
    expect.stringContaining('telescope'),
    expect.stringContaining('telescope'),
    '2 memories would be erased. Others that mention the observatory:',
    '- Mr Okafor, who lives next to the observatory, takes parcels for the neighbours.',
    expect.stringMatching(/^Erased\. [1-9]\d* pieces of what was erased were searched for in [1-9]\d* files\.$/),
    'Found: 0. Complete: true.',
    'The agents know about her: 0 memories.',
    'The receipt is genuine: true; nothing is left to do: true.',
    'A receipt that somebody has changed: The signature is not one of this key, or the receipt was changed.',
    'The restored backup knows 0 memories about her, and 1 in all.',
  ]);
  expect(code).toBe(0);
});
