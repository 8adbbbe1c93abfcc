/**
 * Lets three processes of a cluster work for some minutes: `npm run soak:cluster -- --minutes 30 [--plot soak.svg]`. Callers remember and
 * forget, so the memories stay as many as they are. Exits with 1 if the memory of a process, its open files or the size of its log go on
 * growing. Linux only, because it reads `/proc`.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NodeFault, type NodeProcess, NodeProcesses } from './node-processes';

const quantities = ['resident MB', 'open files', 'log MB', 'folder MB'] as const;
type Sample = { readonly at: number } & Readonly<Record<(typeof quantities)[number], number>>;

const writers = 4;
const keptPerWriter = 100;
const samples = 200;
// What is bounded may still be larger in the last quarter than in the second: by chance, or because a snapshot is due.
const mayGrowBy = 1.35;
const colors = ['#0b6e4f', '#1f5fbf', '#b3541e'];

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, plot: { type: 'string', default: '' } },
});
const totalMs = Number(values.minutes) * 60_000;
const folder = mkdtempSync(join(tmpdir(), 'cluster-soak-'));
const processes = await NodeProcesses.start(folder, 3, { snapshotEveryMs: Math.max(2_000, totalMs / 20) });
const series = processes.nodes.map(() => [] as Sample[]);
let written = 0;
let isOver = false;
try {
  const load = Array.from({ length: writers }, (_, at) => write(at));
  const began = performance.now();
  while (performance.now() - began < totalMs) {
    for (const [i, node] of processes.nodes.entries()) series[i]?.push(sampleOf(node, performance.now() - began));
    await pause(totalMs / samples);
  }
  isOver = true;
  await Promise.all(load);
} finally {
  isOver = true;
  await processes.end();
  rmSync(folder, { recursive: true, force: true });
}
conclude();

/** Remembers, and forgets what it remembered some writes before. */
async function write(writer: number): Promise<void> {
  const ids: string[] = [];
  for (let n = 0; !isOver; n++) {
    const node = processes.nodes[(writer + n) % processes.nodes.length] as NodeProcess;
    try {
      const text = `Writer ${writer} has noted ${n}: the customer asks for a refund of order ${n * 7}.`;
      ids.push(await node.call({ op: 'remember', text, idempotencyKey: `${writer}-${n}` }));
      if (ids.length > keptPerWriter) await node.call({ op: 'forget', id: ids.shift() as string });
      written++;
    } catch (error) {
      if (!(error instanceof NodeFault) || error.code === undefined) throw error;
    }
  }
}

function sampleOf({ pid, folder: path }: NodeProcess, at: number): Sample {
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    at,
    'resident MB': Number(resident) / 1_024,
    'open files': readdirSync(`/proc/${pid}/fd`).length,
    'log MB': sizeOf(join(path, 'raft'), (name) => name.endsWith('.log') || name.includes('segment')),
    'folder MB': sizeOf(path, () => true),
  };
}

/** The bytes that files take on the disk, in MB. */
function sizeOf(path: string, isCounted: (name: string) => boolean): number {
  let bytes = 0;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !isCounted(entry.name)) continue;
    // It may be removed meanwhile.
    bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes / 2 ** 20;
}

function conclude(): void {
  console.log(`${written} writes in ${values.minutes} minutes.`);
  for (const quantity of quantities)
    for (const [i, all] of series.entries()) {
      const [early, late] = [quarter(all, 1, quantity), quarter(all, 3, quantity)];
      const grows = late > early * mayGrowBy + 1;
      console.log(
        `${quantity}, node ${i}: ${early.toFixed(1)}, at the end ${late.toFixed(1)}${grows ? ': GROWS' : ''}`,
      );
      if (grows) process.exitCode = 1;
    }
  if (values.plot !== '') writeFileSync(values.plot, plot());
}

/** The median of a quarter of the samples. */
function quarter(all: readonly Sample[], number: number, quantity: (typeof quantities)[number]): number {
  const part = all.slice((all.length * number) / 4, (all.length * (number + 1)) / 4).map((sample) => sample[quantity]);
  return part.sort((a, b) => a - b)[part.length >> 1] ?? 0;
}

/** One panel for each quantity, one line for each node. */
function plot(): string {
  const [width, height, left, gap] = [640, 150, 60, 30];
  const panels = quantities.map((quantity, panel) => {
    const most = Math.max(1, ...series.flat().map((sample) => sample[quantity])) * 1.1;
    const y = (value: number) => panel * (height + gap) + gap + height * (1 - value / most);
    const lines = series.map((all, i) => {
      const points = all.map(
        (s) => `${(left + ((width - left) * s.at) / totalMs).toFixed(1)},${y(s[quantity]).toFixed(1)}`,
      );
      return `<polyline fill="none" stroke="${colors[i]}" points="${points.join(' ')}"/>`;
    });
    const label = `<text x="${left}" y="${y(most) - 6}">${quantity}, at most ${(most / 1.1).toFixed(1)}</text>`;
    return `${label}<path stroke="#ccc" d="M${left},${y(0)}H${width}"/>${lines.join('')}`;
  });
  const all = `0 0 ${width} ${quantities.length * (height + gap) + gap}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${all}" font-family="sans-serif" font-size="12">${panels.join('\n')}</svg>\n`;
}
