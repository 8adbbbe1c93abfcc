import { describe, expect, it } from 'vitest';
import { runExample } from './run-example';

describe('a day of a hospital', () => {
  it('matches its access rules, without network', async () => {
    const { code, stdout, stderr } = await runExample('hospital.ts');
    expect(stderr).toBe('');
    expect(stdout).not.toContain('✘');
    expect(stdout).toMatch(/Vance, researcher +· {2}· {2}· {2}· {2}5 {2}·/);
    expect(stdout).toContain('a rule denies the group trainees the action read in hospital / psychiatry.');
    expect(stdout).toMatch(/companion for patient-17 +read 1 note +by recall/);
    expect(stdout).toMatch(/trainee-mori +requested 1 note, denied +by get/);
    expect(stdout).toContain('The notes about patient 17 are deleted (4). The audit log stays complete.');
    expect(stdout).not.toMatch(/trainee-mori +read 2 notes/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(code).toBe(0);
  });
});
