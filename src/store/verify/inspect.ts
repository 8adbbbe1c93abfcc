import type { Progress } from '../../domain/calls';
import { nextTurn, startStopwatch } from '../../environment/timers';
import { areCurrentWords } from '../../state/tables/words';
import { reasonOf, type VerifyProblem } from '../../state/verify/damage';
import { RowDamage } from '../../state/verify/damage-rows';
import { type Answer, checkDatabase, type DatabaseCheck } from '../../state/verify/database-check';
import type { Engine } from '../composition/engine';

export interface InspectOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

type Report = (phase: string, done: number, total: number) => void;

/**
 * Everything that is wrong with a store. It holds the event loop for milliseconds at a time: records are read in small ranges,
 * SQLite's pages and indexes by a worker.
 */
export async function inspect(engine: Engine, { signal, onProgress }: InspectOptions): Promise<VerifyProblem[]> {
  signal?.throwIfAborted();
  const { state } = engine.reading();
  const problems: VerifyProblem[] = [];
  const report = reporter(problems, onProgress);
  const { database, rowChecksum, interning, vectors, columns } = state;
  const rows = new RowDamage({
    database,
    rowChecksum,
    interning,
    vectors,
    last: columns.last,
    changeSeq: state.lastChangeSeq,
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

// What a record costs, and a token of its text, in about the same small unit: some milliseconds of work in a turn.
const costPerTurn = 10_000;
const costPerRecord = 60;

async function* rowProblems(
  { state: { columns } }: Engine,
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

function databaseSteps({ state }: Engine, rows: RowDamage, check: DatabaseCheck): (() => Promise<VerifyProblem[]>)[] {
  return [
    async () => ruleProblems(state),
    async () => pageProblems(await check.pages),
    async () =>
      problemOf('database', await check.feed, (lines) =>
        lines === 0 ? undefined : `${lines} lines of the feed of changes belong to no memory.`,
      ),
    async () =>
      // A store that is only read may have been indexed by another release.
      problemOf('words', await check.words, (words) =>
        areCurrentWords(state.meta) ? rows.wordsDiffer(words) : undefined,
      ),
    async () => problemOf('database', await check.tags, (tags) => rows.tagsDiffer(tags)),
  ];
}

function ruleProblems({ declarations }: Engine['state']): VerifyProblem[] {
  try {
    declarations.all(true);
    return [];
  } catch (error) {
    return [{ part: 'rule', message: reasonOf(error) }];
  }
}

function pageProblems(answer: Answer<readonly string[]>): VerifyProblem[] {
  const lines = 'error' in answer ? [answer.error] : answer.found;
  // FTS5 checks its own tables when SQLite checks the others: what is in them is derived.
  return lines.map((line) => ({ part: /fts5/i.test(line) ? 'words' : 'database', message: line }));
}

function problemOf<T>(
  part: VerifyProblem['part'],
  answer: Answer<T>,
  judge: (found: T) => string | undefined,
): VerifyProblem[] {
  if ('error' in answer) return [{ part, message: answer.error }];
  try {
    const message = judge(answer.found);
    return message === undefined ? [] : [{ part, message }];
  } catch (error) {
    return [{ part, message: reasonOf(error) }];
  }
}

async function indexProblems({ vectors }: Engine): Promise<VerifyProblem[]> {
  try {
    return (await vectors.check()).map((message) => ({ part: 'index', message }));
  } catch (error) {
    return [{ part: 'index', message: reasonOf(error) }];
  }
}

function reporter(problems: readonly VerifyProblem[], onProgress: InspectOptions['onProgress']): Report {
  const elapsedMs = startStopwatch();
  return (phase, done, total) =>
    onProgress?.({ phase, done, failed: problems.length, total, perSecond: (done / elapsedMs()) * 1000 });
}
