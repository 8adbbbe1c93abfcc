import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type ErasureReceipt, MemoryStore } from 'multi-agent-memory';
import type { Programs } from '../faults/programs';
import type { EraserTask } from '../faults/programs/eraser';
import { Random } from '../faults/random';
import { addSubject, everybodyWrites, leaks, type Subject } from './canaries';

export interface CourseOptions {
  /** An empty folder. */
  readonly parent: string;
  readonly seed: number;
  readonly erasures: number;
  /** Kills every second erasure, if given. It has the program 'eraser'. */
  readonly programs?: Programs;
}

/** What a course has done. */
export interface CourseReport {
  erasures: number;
  /** Erasures that were cut off by a kill. */
  kills: number;
  /** Backups from before some erasures, which were opened with all receipts. */
  restores: number;
}

const longestRunMs = 120;

/**
 * Erases one subject after the other from one store, and makes backups in between. Then no file has a canary of any of them, and every backup,
 * opened with the receipts, has none either.
 */
export async function playCourse({ parent, seed, erasures, programs }: CourseOptions): Promise<CourseReport> {
  const random = new Random(seed);
  const folder = mkdtempSync(join(parent, 'store-'));
  const report = { erasures: 0, kills: 0, restores: 0 };
  const subjects: Subject[] = [];
  const receipts: ErasureReceipt[] = [];
  const backups: string[] = [];
  let store = await MemoryStore.open(folder, { access: everybodyWrites });
  const stays = await addSubject(store, `${seed} stays`, 'user');
  for (let i = 0; i < erasures; i++) {
    const subject = await addSubject(store, `${seed} ${i}`, random.chance(0.3) ? 'ids' : 'user');
    subjects.push(subject);
    if (random.chance(0.25)) {
      const backup = join(parent, `backup-${seed}-${i}`);
      mkdirSync(backup);
      await store.backup(backup);
      backups.push(backup);
    }
    if (programs !== undefined && i % 2 === 0) {
      await store.close();
      if (await isKilled(programs, { folder, target: subject.target }, random)) report.kills++;
      store = await MemoryStore.open(folder);
    }
    const receipt = await store.erase(subject.target);
    assert.deepEqual([receipt.scan?.found ?? [], receipt.complete], [[], true], subject.name);
    const known = (await store.receipts()).flatMap(({ ids }) => ids);
    for (const id of subject.ids)
      assert.ok(known.includes(id), `no receipt of ${subject.name} has all of its memories`);
    report.erasures++;
  }
  receipts.push(...(await store.receipts()));
  assert.ok((await store.verify()).ok && (await store.audit.verify()).ok, 'the store is damaged');
  assert.deepEqual(leaks(folder, subjects), []);
  for (const id of stays.ids) assert.ok((await store.admin.get(id)) !== undefined, 'another memory is gone');
  await store.close();
  for (const backup of backups) {
    await assertNothingComesBack(backup, JSON.parse(JSON.stringify(receipts)), subjects);
    report.restores++;
  }
  rmSync(folder, { recursive: true });
  return report;
}

/** Kills a program while it erases. */
async function isKilled(programs: Programs, task: EraserTask, random: Random): Promise<boolean> {
  const eraser = programs.start('eraser', task);
  await eraser.said((line) => line === 'open');
  await setTimeout(random.whole(0, longestRunMs));
  const { stdout } = await eraser.kill();
  return !stdout.includes('erased');
}

async function assertNothingComesBack(
  backup: string,
  erased: readonly ErasureReceipt[],
  subjects: readonly Subject[],
): Promise<void> {
  const store = await MemoryStore.open(backup, { erased });
  for (const { ids, name } of subjects)
    for (const id of ids) assert.equal(await store.admin.get(id), undefined, `${name} came back`);
  assert.ok((await store.verify()).ok && (await store.audit.verify()).ok, 'the restored store is damaged');
  assert.deepEqual(leaks(backup, subjects), []);
  await store.close();
  rmSync(backup, { recursive: true });
}
