/**
 * Records histories of several callers on one store, in memory and in a folder, and checks that they are linearizable:
 * `npm run test:linearizability -- --histories N --seed S`. Exits with code 1, and prints the shortest prefix, if one is not. The same
 * seed gives the same calls and delays, but not the same interleavings.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../faults/random';
import { assertLinearizable, check } from './check';
import { plantStaleRead } from './planted-faults';
import { openForHistories, storeHistory } from './store-history';

const { values } = parseArgs({
  options: { histories: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
});
const [histories, firstSeed] = [Number(values.histories), Number(values.seed)];

/** Prints how many histories and operations were checked, and the processor time of the checks alone. */
async function checkStore(place: string, folder: string | undefined): Promise<void> {
  const store = await openForHistories(folder, firstSeed);
  let [operations, micros, planted, missed] = [0, 0, 0, 0];
  try {
    for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
      const random = new Random(seed, 22);
      const size = { clients: random.whole(2, 8), keys: random.whole(1, 3), operationsPerClient: random.whole(5, 20) };
      const history = await storeHistory(store, { seed, ...size });
      const before = process.cpuUsage();
      assertLinearizable(history);
      const { user, system } = process.cpuUsage(before);
      micros += user + system;
      operations += history.length;
      const stale = plantStaleRead(history, random);
      if (stale === undefined) continue;
      planted++;
      if (check(stale).linearizable) missed++;
    }
  } finally {
    await store.close();
  }
  const perOperation = (micros / operations).toFixed(1);
  console.log(
    `${place}: ${histories} histories linearizable, ${operations} operations, ${perOperation} us of processor time each.`,
  );
  console.log(`${place}: ${planted - missed} of ${planted} planted stale reads rejected.`);
  if (missed > 0) throw new Error(`${missed} planted stale reads were accepted.`);
}

async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'multi-agent-memory-'));
  try {
    await checkStore('In memory', undefined);
    await checkStore('In a folder', folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

run().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  console.error(`To repeat: npm run test:linearizability -- --histories ${histories} --seed ${firstSeed}`);
  process.exitCode = 1;
});
