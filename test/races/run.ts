/**
 * Revokes access while calls are running, in random orders: `tsx test/races/run.ts --interleavings N --seed S`. Exits with code 1 if a
 * revocation had no effect. The same seed gives the same orders.
 */
import { parseArgs } from 'node:util';
import { library } from '../worlds/library';
import { runRaces } from './races';

const { values } = parseArgs({
  options: { interleavings: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
const [interleavings, seed] = [Number(values.interleavings), Number(values.seed)];
let done = 0;
const started = performance.now();
const perSecond = () => Math.round((done / (performance.now() - started)) * 1000);

runRaces(library, {
  interleavings,
  seed,
  onRace: () => {
    done++;
    if (done % 1_000 === 0) console.log(`  ${done} interleavings, ${perSecond()} a second`);
  },
})
  .then(() => console.log(`Every revocation bound: ${done} interleavings with seed ${seed}, ${perSecond()} a second.`))
  .catch((error) => {
    console.error(error);
    console.error(`Violated. To see it again: tsx test/races/run.ts --interleavings ${interleavings} --seed ${seed}`);
    process.exitCode = 1;
  });
