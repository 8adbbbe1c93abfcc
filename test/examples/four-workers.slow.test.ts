import { describe, expect, it } from 'vitest';
import { runExample } from './run-example';

describe('four workers on one task', () => {
  it('is finished without network, although the process that has the folder open is killed', async () => {
    const { code, stdout, stderr } = await runExample('four-workers.ts');
    expect(stderr).toBe('');
    expect(stdout.match(/had the folder open and was killed/g)).toHaveLength(1);
    expect(stdout.match(/can recall 8 findings/g)).toHaveLength(3);
    expect(stdout).toContain('8 tasks are done, 8 findings are stored.');
    expect(stdout).toContain(
      'Cheapest within 4 weeks: Dorset. Dorset asks 10.75 per unit and delivers within 4 weeks.',
    );
    expect(code).toBe(0);
  });
});
