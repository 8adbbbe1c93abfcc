/**
 * Compares pairs of worlds (stores with the same history). Only the second world of each pair also contains memories and calls that the
 * reader may not see: `tsx test/worlds/run.ts --pairs N --large N --seed S`. Exits with code 1 if the reader can see a difference. The
 * same seed gives the same pairs.
 */
import { parseArgs } from 'node:util';
import { compareLarge } from './large';
import { library } from './library';
import { comparePairs } from './worlds';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '1000' },
    large: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
  },
});
const [pairs, large, seed] = [values.pairs, values.large, values.seed].map(Number) as [number, number, number];
let compared = 0;
const started = performance.now();

async function run(): Promise<void> {
  await comparePairs(library, {
    pairs,
    seed,
    onPair: () => {
      compared++;
      if (compared % 500 === 0) console.log(`  ${compared} pairs, ${Math.round(perSecond())} a second`);
    },
  });
  console.log(`All is alike: ${compared} pairs of worlds with seed ${seed}, ${Math.round(perSecond())} a second.`);
  for (let i = 0; i < large; i++) {
    const { recall, shared, alike, asked } = await compareLarge(library, seed + i);
    const [alone, beside] = recall.map((share) => share.toFixed(4));
    console.log(
      `Beyond exact search (seed ${seed + i}): recall@10 ${alone} alone, ${beside} beside; ${shared} shared hits equal; ${alike} of ${asked} answers alike.`,
    );
    if (Math.min(...recall) < 0.99) throw new Error('The index misses too much.');
  }
}

function perSecond(): number {
  return (compared / (performance.now() - started)) * 1000;
}

run().catch((error) => {
  console.error(error);
  console.error(`Violated. To see it again: tsx test/worlds/run.ts --pairs ${pairs} --large ${large} --seed ${seed}`);
  process.exitCode = 1;
});
