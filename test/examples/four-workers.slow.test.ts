import { describe, expect, it } from 'vitest';
import { runExample } from './run-example';

describe('four workers on one task', () => {
  it('share it, though the one that holds the folder is killed, without a network', async () => {
    const { code, stdout, stderr } = await runExample('four-workers.ts');
    expect(stderr).toBe('');
    expect(stdout.match(/was killed, and held the folder/g)).toHaveLength(1);
    expect(stdout.match(/sees 8 findings/g)).toHaveLength(3);
    expect(stdout).toContain('8 tasks are done, 8 findings are there.');
    expect(stdout).toContain(
      'Within 4 weeks, Dorset is cheapest: Dorset asks 10.75 per unit and delivers within 4 weeks.',
    );
    expect(code).toBe(0);
  });
});
