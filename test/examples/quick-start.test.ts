import { expect, it } from 'vitest';
import { runExample } from './run-example';

it('the quick start lets one agent recall what another remembered', async () => {
  const { code, stdout, stderr } = await runExample('quick-start.ts');
  expect(stderr).toBe('');
  expect(stdout).toMatch(
    /^0\.\d\d billing: Customer 4417 wants the refund on the card ending 0921, not as store credit\.\n$/,
  );
  expect(code).toBe(0);
});
