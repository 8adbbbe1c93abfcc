import { expect, test } from 'vitest';
import { runExample } from './run-example';

test('the answers of all agents are right again after the host has contained what a compromised agent did', async () => {
  const { code, stdout, stderr } = await runExample('compromised-agent.ts');
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'On Monday the desk answers from what the clerk has stored:',
    '  How long do refunds for damaged parcels take? Refunds for damaged parcels take 5 days.',
    '  What does the hotline for lost parcels cost? The hotline for lost parcels is free of charge.',
    'On Tuesday the crawler reads a forged page, and others build on it:',
    expect.stringMatching(/take\? .* 90 days/),
    '  What does the hotline for lost parcels cost? The hotline for lost parcels costs 9 dollars a minute.',
    'The host asks where the wrong answer comes from, and what depends on it:',
    '  written by crawler, from https://parcels.example/forged',
    '  depends on it: Told customer 4417 that refunds for damaged parcels take 90 days.',
    '  depends on it: Summary: refunds for damaged parcels take 90 days.',
    'It contains what the crawler did, and undoes what it changed:',
    '  4 memories contained, 2 restored, 0 conflicts',
    '  was given some of it: {"agentId":"desk"}',
    '  How long do refunds for damaged parcels take? Refunds for damaged parcels take 5 days.',
    '  What does the hotline for lost parcels cost? The hotline for lost parcels is free of charge.',
    '',
  ]);
  expect(code).toBe(0);
});
