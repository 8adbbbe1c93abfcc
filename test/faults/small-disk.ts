import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A small disk that is removed after the test. Undefined if this process may not create one. */
export function smallDisk(megabytes: number): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', path]);
    rmSync(path, { recursive: true });
  });
  return path;
}

/** Fills the disk except for this number of bytes. */
export function fillUp(disk: string, leave = 0): void {
  const { bavail, bsize } = statfsSync(disk);
  const size = bavail * bsize - leave;
  if (size > 0) writeFileSync(join(disk, `filler-${readdirSync(disk).length}`), Buffer.alloc(size));
}

export function makeRoom(disk: string): void {
  for (const file of readdirSync(disk)) if (file.startsWith('filler')) rmSync(join(disk, file));
}

/** Whether this process may mount small disks. */
export const isPermitted = await (async () => {
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' });
    execFileSync('umount', ['--lazy', path]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { recursive: true });
  }
})();
