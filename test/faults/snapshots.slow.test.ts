import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { listSnapshots, MemoryStore, restoreSnapshot } from 'multi-agent-memory';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from './folders';
import { buildPrograms, type Programs } from './programs';
import type { SnapshotterTask } from './programs/snapshotter';
import { fillUp, isPermitted, makeRoom, smallDisk } from './small-disk';

const key = '7f'.repeat(32);
const kills = Number(process.env.SNAPSHOT_KILLS ?? 6);

let programs: Programs;
beforeAll(async () => {
  programs = await buildPrograms('snapshotter');
});
afterAll(() => programs.remove());

test('a process that is killed while it makes and restores snapshots and purges its store leaves only whole ones', async () => {
  const parent = temporaryFolder();
  const [folder, to] = [join(parent, 'memory'), join(parent, 'snapshots')];
  for (let i = 0; i < kills; i++) {
    const program = programs.start('snapshotter', { folder, to, key } satisfies SnapshotterTask);
    await program.said((line) => line === 'open');
    // The moments differ from run to run: every one must be safe.
    await new Promise((resolve) => setTimeout(resolve, ((i * 0.618) % 1) * 600));
    program.kill();
    await program.ended;
    const confirmed = program.lines.flatMap((line) => (Object(line) as { changeSeq?: number }).changeSeq ?? []);
    const store = await MemoryStore.open(folder);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
    expect((await store.verify()).problems).toEqual([]);
    await store.snapshot(to, { keep: 3 });
    await store.close();
    const { snapshots, damaged } = await listSnapshots(to);
    expect([damaged, readdirSync(to).length]).toEqual([[], snapshots.length]);
    expect(snapshots[0]?.changeSeq).toBeGreaterThanOrEqual(confirmed.at(-1) ?? 0);
    for (const { path, isEncrypted } of snapshots)
      await restoreSnapshot(path, join(parent, 'none'), {
        dryRun: true,
        ...(isEncrypted ? { encryptionKey: key } : {}),
      });
    await expectWholeOrRefused(parent);
  }
});

/** Each restored folder holds a whole store, or is refused as one that is not complete. */
async function expectWholeOrRefused(parent: string): Promise<void> {
  for (const name of readdirSync(parent).filter((each) => each.startsWith('restored'))) {
    const folder = join(parent, name);
    const opened = await MemoryStore.open(folder).catch((error: Error) => error);
    if (opened instanceof MemoryStore) {
      // A restore that was killed before it began leaves an empty folder.
      if ((await opened.stats()).memories > 0) expect((await opened.verify()).problems).toEqual([]);
      await opened.close();
    } else {
      expect(opened.message).toContain('interrupted');
    }
    rmSync(folder, { recursive: true });
  }
}

test.skipIf(!isPermitted)(
  'a full disk stops a snapshot and a restore before they write, and nothing else',
  async () => {
    const disk = smallDisk(4) as string;
    const store = await MemoryStore.open(join(temporaryFolder(), 'memory'));
    onTestFinished(() => store.close());
    await store.admin.remember('note', { namespace: ['parcels'], embed: false });
    const to = join(disk, 'snapshots');
    const whole = await store.snapshot(to);
    fillUp(disk, 100_000);
    await expect(store.snapshot(to)).rejects.toMatchObject({ code: 'DISK_FULL', retryable: true });
    await expect(restoreSnapshot(whole.path, join(disk, 'restored'))).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect([(await listSnapshots(to)).snapshots, existsSync(join(disk, 'restored'))]).toEqual([[whole], false]);
    await store.admin.remember('another note', { namespace: ['parcels'], embed: false });
    makeRoom(disk);
    expect((await store.snapshot(to)).changeSeq).toBe(2);
  },
);
