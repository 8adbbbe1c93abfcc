/**
 * Records histories of several callers on one store, in memory and in a folder, and checks that they are linearizable. Then it plays courses
 * of simulated clusters, and checks what each level of reads promises: `npm run test:linearizability -- --histories N --seed S`, with
 * `--only store` or `--only cluster` for one of them. Exits with code 1, and prints the shortest prefix, if a history breaks a promise.
 * The same seed gives the same calls and delays, but not the same interleavings of a store.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../faults/random';
import { registerModel, withStaleRead } from '../simulation/history';
import { scenarioOf } from '../simulation/scenario';
import { type Course, runScenario } from '../simulation/simulation';
import { assertLinearizable, check } from './check';
import { plantStaleRead } from './planted-faults';
import { isLinearizable } from './search';
import { checkPositions, checkSessions, withReadBeforePosition, withStaleSessionRead } from './session';
import { openForHistories, storeHistory } from './store-history';

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
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

/** A level of reads: the histories of a course, whether one keeps the promise, and one of them with a stale read in it. */
interface Level<History> {
  readonly name: string;
  historiesOf(course: Course): readonly History[];
  isKept(history: History): boolean;
  withFault(history: History): History | undefined;
}

const linearizable: Level<Course['histories'][number]> = {
  name: 'linearizable',
  historiesOf: ({ histories }) => histories,
  isKept: (steps) => isLinearizable(registerModel, steps),
  withFault: withStaleRead,
};
const session: Level<Course['sessionEvents']> = {
  name: 'session',
  historiesOf: ({ sessionEvents }) => [sessionEvents],
  isKept: (events) => checkSessions(events) === undefined,
  withFault: withStaleSessionRead,
};
const afterPosition: Level<Course['positionEvents']> = {
  name: 'after a position',
  historiesOf: ({ positionEvents }) => [positionEvents],
  isKept: (events) => checkPositions(events) === undefined,
  withFault: withReadBeforePosition,
};

/** Counts what a level comes to, course by course. */
class LevelCount<History> {
  readonly #level: Level<History>;
  #checked = 0;
  #planted = 0;
  #missed = 0;

  constructor(level: Level<History>) {
    this.#level = level;
  }

  add(course: Course, seed: number): void {
    for (const history of this.#level.historiesOf(course)) {
      if (!this.#level.isKept(history)) throw new Error(`Seed ${seed} breaks the level ${this.#level.name}.`);
      this.#checked++;
      const stale = this.#level.withFault(history);
      if (stale === undefined) continue;
      this.#planted++;
      if (this.#level.isKept(stale)) this.#missed++;
    }
  }

  report(): void {
    const { name } = this.#level;
    const caught = `${this.#planted - this.#missed} of ${this.#planted} planted stale reads rejected`;
    console.log(`Cluster, ${name}: ${this.#checked} histories keep the promise, ${caught}.`);
    if (this.#missed > 0) throw new Error(`${this.#missed} planted stale reads were accepted.`);
  }
}

function checkCluster(): void {
  const counts = [new LevelCount(linearizable), new LevelCount(session), new LevelCount(afterPosition)];
  for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
    const course = runScenario(scenarioOf(seed));
    if (course.violation !== undefined) throw course.violation;
    for (const count of counts) count.add(course, seed);
  }
  for (const count of counts) count.report();
}

async function run(): Promise<void> {
  if (values.only !== 'cluster') await checkStores();
  if (values.only !== 'store') checkCluster();
}

async function checkStores(): Promise<void> {
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
