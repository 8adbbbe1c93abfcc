import { describe, expect, it } from 'vitest';
import { runExample } from './run-example';

describe('a day of a hospital', () => {
  it('comes out as its rules say, without a network', async () => {
    const { code, stdout, stderr } = await runExample('hospital.ts');
    expect(stderr).toBe('');
    expect(stdout).not.toContain('✘');
    expect(stdout).toMatch(/Vance, researcher +· {2}· {2}· {2}· {2}5 {2}·/);
    expect(stdout).toContain('A rule denies the group trainees to read in hospital / psychiatry.');
    expect(stdout).toMatch(/companion for patient-17 +saw 1 note +by recall/);
    expect(stdout).toMatch(/trainee-mori +asked for 1 note, and saw nothing +by get/);
    expect(stdout).toContain('Patient 17 is erased (4 notes): the answer stays the same.');
    expect(stdout).not.toMatch(/trainee-mori +saw 2 notes/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(code).toBe(0);
  });
});
