import { expect, it } from 'vitest';
import { runExample } from './run-example';

it('a model of the AI SDK knows what was said in an earlier conversation', async () => {
  const { code, stdout, stderr } = await runExample('ai-sdk-agent.ts');
  expect(stderr.replaceAll(/\(.*\n/g, '')).toBe('');
  expect(stdout).toContain('> Which hub does my bicycle have?\nA Rohloff hub.\n');
  expect(stdout).toContain('\nThe Rohloff hub was serviced on 3 March.\n');
  expect(code).toBe(0);
});
