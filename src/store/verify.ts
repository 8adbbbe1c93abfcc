import type { Progress } from '../domain/calls';
import { MemoryError } from '../domain/errors';
import { nextTurn, startStopwatch } from '../environment/timers';
import { storeSchemaProblems } from '../state/tables/expected-schema';
import { damagedNames } from '../state/tables/name-rows';
import { areCurrentWords } from '../state/tables/words';
import { reasonOf, type VerifyProblem } from '../state/verify/damage';
import { RowDamage } from '../state/verify/damage-rows';
import { checkDatabase, type DatabaseCheck, type StepResult } from '../state/verify/database-check';
import { repairDerived } from '../state/verify/repair';
import type { Engine } from './composition/engine';

/** The result of `verify`. */
export interface VerifyResult {
  /** True if nothing is damaged, or if all damage was repaired. */
  ok: boolean;
  /** Every problem that was found, including repaired ones. */
  problems: VerifyProblem[];
}

export interface VerifyOptions {
  readonly repair?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The parts that a repair can rebuild, because they are derived from records. */
const repairableParts: ReadonlySet<VerifyProblem['part']> = new Set(['database', 'words', 'index']);

/** The parts of the store that `verify` needs. */
type VerifyDeps = Pick<Engine, 'state' | 'model' | 'vectors' | 'readOnly' | 'reading'>;

/**
 * Compares every record with its checksum, and all derived data with the records. Other calls continue, and their changes may not be
 * checked. With `repair` it rebuilds damaged derived data (SQLite's indexes, tags, keyword index, vector index) and then checks
 * everything again. Rebuilding the keyword index blocks the event loop. Damaged records cannot be repaired and stay
 * in the result. A read-only store is never repaired.
 *
 * @throws the signal's reason, STORE_CLOSED, and DISK_FULL from a repair. Damage is reported in the result and never thrown.
 */
export async function verify(engine: VerifyDeps, options: VerifyOptions): Promise<VerifyResult> {
  const problems = await inspect(engine, options);
  const canRepair =
    options.repair === true && !engine.readOnly && problems.some(({ part }) => repairableParts.has(part));
  if (!canRepair) return { ok: problems.length === 0, problems };
  await repair(engine, problems);
  const remaining = await inspect(engine, options);
  const known = new Set(problems.map((problem) => JSON.stringify(problem)));
  const appeared = remaining.filter((problem) => !known.has(JSON.stringify(problem)));
  return { ok: remaining.length === 0, problems: [...problems, ...appeared] };
}

async function repair(engine: VerifyDeps, problems: readonly VerifyProblem[]): Promise<void> {
  const { database, words } = engine.state;
  repairDerived(database, words, problems);
  if (problems.some(({ part }) => part === 'words')) engine.model.postings.clear();
  if (!problems.some(({ part }) => part === 'index')) return;
  try {
    await engine.vectors.rebuild();
  } catch (error) {
    // The vector index cannot be built without LanceDB, or from damaged vectors. Searches give exact results without it.
    if (!MemoryError.is(error) || !['RECORD_DAMAGED', 'INDEX_UNAVAILABLE'].includes(error.code)) throw error;
  }
}

type Report = (phase: string, done: number, total: number) => void;

/**
 * Finds all problems in a store. It blocks the event loop only for milliseconds at a time, because it reads records in small ranges,
 * and a worker checks SQLite's pages and indexes.
 */
async function inspect(engine: VerifyDeps, { signal, onProgress }: VerifyOptions): Promise<VerifyProblem[]> {
  signal?.throwIfAborted();
  // Loads changes that another process has written.
  engine.reading();
  const { database, rowChecksum, interning, lastChangeSeq, words } = engine.state;
  const { vectors, columns } = engine.model;
  const problems: VerifyProblem[] = [];
  const report = reporter(problems, onProgress);
  const rows = new RowDamage({
    database,
    rowChecksum,
    interning,
    vectors,
    lastRow: columns.last,
    changeSeq: lastChangeSeq,
    words,
  });
  const check = checkDatabase(database, columns.last);
  try {
    for await (const [found, done, total] of rowProblems(engine, rows)) {
      signal?.throwIfAborted();
      problems.push(...found);
      report('records', done, total);
    }
    const steps = databaseSteps(engine, rows, check);
    for (const [i, step] of steps.entries()) {
      problems.push(...(await step()));
      signal?.throwIfAborted();
      report('database', i + 1, steps.length);
    }
    problems.push(...(await indexProblems(engine)));
    report('index', 1, 1);
    return problems;
  } finally {
    check.stop();
    await check.ended;
  }
}

// One unit of cost is about the time for one token. A turn of the event loop then takes a few milliseconds.
const costPerTurn = 10_000;
const costPerRecord = 60;

async function* rowProblems(
  { model: { columns } }: VerifyDeps,
  rows: RowDamage,
): AsyncGenerator<[found: VerifyProblem[], done: number, total: number]> {
  const total = columns.last;
  for (let after = 0; after < total; ) {
    let to = after;
    for (let cost = 0; to < total && cost < costPerTurn; cost += costPerRecord + (columns.length[to] as number)) to++;
    yield [rows.read({ after, to }), to, total];
    after = to;
    await nextTurn();
  }
}

function databaseSteps(engine: VerifyDeps, rows: RowDamage, check: DatabaseCheck): (() => Promise<VerifyProblem[]>)[] {
  const { state } = engine;
  return [
    async () => changedSchema(state),
    async () => nameProblems(state),
    async () => ruleProblems(state),
    () => holdProblems(state),
    () => trustLineProblems(engine),
    async () => pageProblems(await check.pages),
    async () =>
      problemOf('database', await check.strayChanges, (changes) =>
        changes === 0 ? undefined : `The change feed has ${changes} lines about memories that do not exist.`,
      ),
    async () =>
      problemOf('words', await check.words, (words) => {
        // The writer of a read-only store may have written waiting words during the check.
        engine.reading();
        // In a read-only store, another release may have indexed the words, and with different tokens.
        return areCurrentWords(state.meta) ? rows.wordsDiffer(words) : undefined;
      }),
    () => wordPageProblems(state),
    async () => problemOf('database', await check.tags, (tags) => rows.tagsDiffer(tags)),
  ];
}

function changedSchema({ database }: VerifyDeps['state']): VerifyProblem[] {
  return storeSchemaProblems(database).map(({ message }) => ({ part: 'database', message }));
}

function nameProblems({ database, checksum }: VerifyDeps['state']): VerifyProblem[] {
  try {
    return damagedNames(database, checksum).map(({ table, id }) => ({
      part: 'name',
      message: `Row ${id} in the table ${table} does not match its checksum. The memories that refer to it cannot be read.`,
    }));
  } catch (error) {
    return [{ part: 'name', message: reasonOf(error) }];
  }
}

function ruleProblems({ declarations }: VerifyDeps['state']): VerifyProblem[] {
  try {
    declarations.all(true);
    return [];
  } catch (error) {
    return [{ part: 'rule', message: reasonOf(error) }];
  }
}

// Each of these has all of its revisions.
const withheldPerTurn = 16;

/** Finds damaged legal holds and erasures, and damage to what was forgotten under one. */
async function holdProblems({ holds, erasures }: VerifyDeps['state']): Promise<VerifyProblem[]> {
  const problems: VerifyProblem[] = [];
  const check = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      problems.push({ part: 'record', message: reasonOf(error) });
    }
  };
  holds.reload();
  check(() => holds.inForce);
  check(() => erasures.all());
  for (let after = 0; ; await nextTurn()) {
    const rows = holds.withheldRows(after, withheldPerTurn);
    for (const row of rows) check(() => holds.revisionsOf(row));
    if (rows.length < withheldPerTurn) return problems;
    after = rows.at(-1) as number;
  }
}

// Comparing the lines of so many memories with their checksums takes a few milliseconds.
const trustRowsPerTurn = 4_096;

/** Finds damage to what the trust of memories depends on beside their records. */
async function trustLineProblems({ state, model }: VerifyDeps): Promise<VerifyProblem[]> {
  const parts = [
    ['what it was made from', state.derivations],
    ['who has changed it', state.contributors],
    ['who has endorsed it', state.endorsements],
  ] as const;
  const problems: VerifyProblem[] = [];
  try {
    for (let after = 0; after <= model.columns.last; after += trustRowsPerTurn) {
      // A damaged line may be about a row that does not exist.
      const isLast = after + trustRowsPerTurn > model.columns.last;
      const to = isLast ? Number.MAX_SAFE_INTEGER : after + trustRowsPerTurn;
      for (const [what, table] of parts) {
        for (const row of table.damagedRows(after, to)) {
          const message = `A line about row ${row}, which says ${what}, does not match its checksum.`;
          const id = state.records.placeOf(row)?.id;
          problems.push({ ...(id === undefined ? {} : { id }), part: 'record', message });
        }
      }
      await nextTurn();
    }
  } catch (error) {
    problems.push({ part: 'record', message: reasonOf(error) });
  }
  return problems;
}

function pageProblems(result: StepResult<readonly string[]>): VerifyProblem[] {
  const lines = 'error' in result ? [result.error] : result.found;
  return lines.map((message) => ({ part: 'database', message }));
}

// Comparing so many pages with their checksums takes about a millisecond.
const wordPagesPerTurn = 256;

async function wordPageProblems({ words }: VerifyDeps['state']): Promise<VerifyProblem[]> {
  try {
    for (let after = 0; ; await nextTurn()) {
      const { count, last, isDamaged } = words.checkPages(after, wordPagesPerTurn);
      if (isDamaged) return [{ part: 'words', message: 'A page of the keyword index does not match its checksum.' }];
      if (count < wordPagesPerTurn) return [];
      after = last;
    }
  } catch (error) {
    return [{ part: 'words', message: reasonOf(error) }];
  }
}

function problemOf<T>(
  part: VerifyProblem['part'],
  result: StepResult<T>,
  describe: (found: T) => string | undefined,
): VerifyProblem[] {
  if ('error' in result) return [{ part, message: result.error }];
  try {
    const message = describe(result.found);
    return message === undefined ? [] : [{ part, message }];
  } catch (error) {
    return [{ part, message: reasonOf(error) }];
  }
}

async function indexProblems({ vectors }: VerifyDeps): Promise<VerifyProblem[]> {
  try {
    return (await vectors.check()).map((message) => ({ part: 'index', message }));
  } catch (error) {
    return [{ part: 'index', message: reasonOf(error) }];
  }
}

function reporter(problems: readonly VerifyProblem[], onProgress: VerifyOptions['onProgress']): Report {
  const elapsedMs = startStopwatch();
  return (phase, done, total) =>
    onProgress?.({ phase, done, failed: problems.length, total, perSecond: (done / elapsedMs()) * 1000 });
}
