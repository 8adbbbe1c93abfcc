/**
 * Simulates clusters with faults: `npm run test:simulation -- --seeds N --from S`. Ends with code 1 at the first seed that breaks a promise,
 * after it has printed a smaller scenario that breaks one, too, and what happens in it. `--seed S` plays one seed, `--trace` prints it,
 * and `--apply` applies each entry to real states of stores, too, and compares them.
 */
import { parseArgs } from 'node:util';
import { scenarioOf } from './scenario';
import { shrunk } from './shrink';
import { runScenario } from './simulation';
import { storeStates } from './store-states';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    apply: { type: 'boolean', default: false },
  },
});
const stores = values.apply ? storeStates : undefined;
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const maxLines = 250;
const names = ['commands', 'acknowledged', 'reads', 'leaseReads', 'revocations', 'terms', 'changes', 'halted'] as const;
const figures = Object.fromEntries(names.map((name) => [name, 0])) as Record<(typeof names)[number], number>;
const began = performance.now();
let told = began;
let failed: number | undefined;
let played = 0;

for (let seed = first; seed < first + count && failed === undefined; seed += 1) {
  const course = runScenario(scenarioOf(seed), values.trace ? (line) => console.log(line) : undefined, stores);
  played += 1;
  for (const name of names) figures[name] += course[name];
  if (course.violation !== undefined) failed = seed;
  if (performance.now() - told < 5_000) continue;
  told = performance.now();
  console.log(`  ${summary()}`);
}
if (failed === undefined) console.log(`All is well: seeds ${first} to ${first + count - 1}, ${summary()}.`);
else explain(failed);

function explain(seed: number): void {
  console.log(`Seed ${seed}: ${runScenario(scenarioOf(seed), undefined, stores).violation?.message}\nShrinking...`);
  const smallest = shrunk(scenarioOf(seed), stores);
  const lines: string[] = [];
  const { violation, atMs } = runScenario(smallest, (line) => lines.push(line), stores);
  const readable = lines.filter((line) => !line.includes('heartbeat'));
  console.log(JSON.stringify({ ...smallest, faults: undefined }));
  for (const fault of smallest.faults) console.log(`  ${JSON.stringify(fault)}`);
  if (readable.length > maxLines) console.log(`The last ${maxLines} of ${readable.length} lines, without heartbeats:`);
  for (const line of readable.slice(-maxLines)) console.log(line);
  console.log(`${atMs.toFixed(0).padStart(6)} ms  ${violation?.stack ?? 'no violation'}`);
  console.log(`Violated. To see it again: npm run test:simulation -- --seed ${seed}${values.apply ? ' --apply' : ''}`);
  process.exitCode = 1;
}

function summary(): string {
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage();
  const totals = Object.entries(figures).map(([name, figure]) => `${figure} ${name}`);
  const cost = `${((user + system) / 1_000 / played).toFixed(1)} ms of processor time each`;
  return `${played} seeds, ${(played / seconds).toFixed(1)} a second, ${cost}; ${totals.join(', ')}`;
}
