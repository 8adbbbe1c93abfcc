/**
 * Plants mistakes in copies of the core and of the simulator's hosts, one at a time, and tells which seed finds each:
 * `npx tsx test/simulation/run-mistakes.ts --seeds 2000 --from 1 --only 'part of a name'`. Ends with code 1 if one is
 * not found.
 */
import { parseArgs } from 'node:util';
import { firstFinding, loadBroken } from './broken-simulation';
import { simulationMistakes } from './mistakes';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});
const seeds = { from: Number(values.from), count: Number(values.seeds) };
const planted = simulationMistakes.filter(({ name }) => name.includes(values.only));
let missed = 0;

console.log('| mistake | found after seeds | what is found |\n|---|---|---|');
for (const mistake of planted) {
  const finding = firstFinding(await loadBroken(mistake), seeds);
  if (finding === undefined) missed += 1;
  const after = finding === undefined ? '**not found**' : finding.seed - seeds.from + 1;
  console.log(`| ${mistake.name} | ${after} | ${(finding?.message ?? '').slice(0, 160).replaceAll('|', '\\|')} |`);
}
console.log(`\n${planted.length} mistakes, ${seeds.count} seeds from ${seeds.from} on: ${missed} were not found.`);
if (missed > 0) process.exitCode = 1;
