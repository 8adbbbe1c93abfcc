import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GrowthLine, growthLines, showSlope } from './growth-figures';
import { growthPlot } from './growth-plot';
import type { Machine } from './machine';
import type { Row } from './row';

const page = 'figures.md';
const plot = 'growth.svg';
const begin = '<!-- npm run bench -- --only growth --docs writes what follows -->';
const end = '<!-- end -->';

/**
 * Rewrites the part of the docs about the growth of costs: the table in `figures.md`, and the plot beside it.
 *
 * @param docs The folder of the docs.
 */
export async function writeGrowthDocs(docs: string, rows: readonly Row[], machine: Machine): Promise<void> {
  const lines = growthLines(rows);
  if (lines === undefined) throw new Error('The rows of the question growth are missing.');
  const path = join(docs, page);
  const text = await readFile(path, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`${path} lacks the lines ${begin} and ${end}, between which the figures stand.`);
  const section = `${begin}\n\n${growthSection(lines, machine)}\n\n`;
  await writeFile(path, text.slice(0, from) + section + text.slice(to));
  await writeFile(join(docs, plot), growthPlot(lines));
}

/** The table, and the machine and the date of the figures. */
export function growthSection(lines: readonly GrowthLine[], machine: Machine): string {
  const sizes = lines[0]?.points.map(({ size }) => size) ?? [];
  const cells = (line: GrowthLine) =>
    line.points.map(({ median, p95, processor }) => `${figure(median)} / ${figure(p95)} / ${figure(processor)}`);
  const { cpuModel, cores, memoryGib, node, os, commit, date } = machine;
  return [
    `| ms: median / p95 / processor | ${sizes.map((size) => size.toLocaleString('en-US')).join(' | ')} | slopes |`,
    `|---|${sizes.map(() => '---|').join('')}---|`,
    ...lines.map(
      (line) =>
        `| ${line.call} | ${cells(line).join(' | ')} | ${showSlope(line.slopes.median)}, ${showSlope(line.slopes.processor)} |`,
    ),
    '',
    `![Median time of a call over the number of memories](${plot})`,
    '',
    `Measured on ${date.slice(0, 10)} at commit ${commit}: ${cpuModel}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${memoryGib} GiB,`,
    `Node ${node.replace(/^v/, '')}, ${os}.${busyNote(machine)}`,
  ].join('\n');
}

/** Figures of a machine with other work are worse than its own. The reader must know. */
function busyNote({ cores, loadBefore }: Machine): string {
  if (loadBefore <= cores / 4) return '';
  return ` The machine was busy with other work (load ${loadBefore.toFixed(1)} before the run), so that these times are too long.`;
}

function figure(ms: number): string {
  return ms >= 10 ? ms.toFixed(0) : ms >= 1 ? ms.toFixed(1) : ms.toFixed(2);
}
