import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { SegmentStorage } from '../../../src/raft/storage/segment-storage';
import type { Programs } from '../../faults/programs';
import { Random } from '../../faults/random';
import { modelOf, RandomWorks } from './random-works';
import { Holdings } from './recovery';

type Line = { readonly say: 'open' } | { readonly say: 'made' | 'done'; readonly number: number };

export interface KillsOptions {
  readonly programs: Programs;
  /** An empty folder. */
  readonly folder: string;
  readonly seed: number;
  readonly cycles: number;
  onCycle?(cycle: { readonly cycle: number; readonly made: number; readonly done: number }): void;
}

// So small that some runs fill several.
const segmentBytes = 2 ** 16;
const longestDelayMs = 20;

/** Kills a process that stores works of a node, again and again, and compares its folder with what was confirmed. */
export async function runKills({ programs, folder, seed, cycles, onCycle }: KillsOptions): Promise<void> {
  const random = new Random(seed, 3);
  const open = () => SegmentStorage.open({ folder: join(folder, 'raft'), randomBytes, segmentBytes });
  let storage = await open();
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const [model, followed] = [modelOf(storage), modelOf(storage)];
    await storage.close();
    const task = { folder: join(folder, 'raft'), seed: seed * 10_000 + cycle, segmentBytes };
    const writer = programs.start('node-writer', task);
    await writer.said<Line>(({ say }) => say === 'open');
    // Sometimes the kill comes with the first calls.
    const least = random.chance(0.2) ? 0 : random.whole(1, 60);
    if (least > 0) await writer.said<Line>((line) => line.say === 'done' && line.number >= least);
    await setTimeout(random.share() * longestDelayMs);
    const { stderr } = await writer.kill();
    if (stderr !== '') throw new Error(`Cycle ${cycle}: ${stderr}`);
    const lines = writer.lines as Line[];
    const made = lines.filter(({ say }) => say === 'made').length;
    const done = Array.from({ length: made }, () => false);
    for (const line of lines) if (line.say === 'done') done[line.number] = true;
    const works = new RandomWorks(task.seed, model);
    const holdings = new Holdings(followed);
    for (let call = 0; call < made; call++) holdings.follow(works.next());
    storage = await open();
    holdings.assertHeld(storage, done);
    onCycle?.({ cycle, made, done: done.filter(Boolean).length });
  }
  await storage.close();
}
