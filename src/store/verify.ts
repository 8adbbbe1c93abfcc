import type { Progress } from '../domain/calls';
import { MemoryError } from '../domain/errors';
import { startStopwatch } from '../environment/stopwatch';
import { nextTurn } from '../environment/turn';
import { recordOf, type StoredRecord } from '../state/record';
import { withText } from '../state/record-queries';
import { rebuildWords, wordsProblem } from '../state/words';
import type { Engine } from './engine';

export interface Problem {
  /** The memory that it is about, if it is about one. */
  id?: string;
  part: 'database' | 'record' | 'vector' | 'words' | 'index';
  message: string;
}

export interface VerifyResult {
  /** True where nothing is wrong, or all that was wrong has been repaired. */
  ok: boolean;
  problems: Problem[];
}

export interface VerifyOptions {
  readonly repair?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const recordsPerTurn = 256;

/**
 * Reads everything and compares it with its checksums, and what is derived with what it is derived from. `repair` makes anew
 * what is derived: words and the vector index. A damaged record cannot be repaired; it stays a problem.
 */
export async function verify(
  engine: Engine,
  { repair = false, signal, onProgress }: VerifyOptions,
): Promise<VerifyResult> {
  const problems: Problem[] = databaseProblems(engine);
  const elapsedMs = startStopwatch();
  const total = engine.truth.columns.last;
  for (let from = 0; from < total; from += recordsPerTurn) {
    signal?.throwIfAborted();
    problems.push(...recordProblems(engine, from, from + recordsPerTurn));
    const done = Math.min(total, from + recordsPerTurn);
    onProgress?.({ phase: 'verify', done, failed: problems.length, total, perSecond: (done / elapsedMs()) * 1000 });
    await nextTurn();
  }
  const lasting = problems.length;
  problems.push(...(await derivedProblems(engine)));
  const repaired = repair && !engine.readOnly;
  if (repaired && problems.length > lasting) await rebuild(engine, problems);
  return { ok: problems.length === (repaired ? lasting : 0) || problems.length === 0, problems };
}

function databaseProblems({ truth }: Engine): Problem[] {
  const lines = truth.database.pragma('quick_check(20)', { simple: false }) as { quick_check: string }[];
  return lines
    .filter((line) => line.quick_check !== 'ok')
    .map((line) => ({ part: 'database', message: line.quick_check }));
}

function recordProblems({ truth }: Engine, after: number, to: number): Problem[] {
  const query = withText().where('memories.row', '>', after).where('memories.row', '<=', to).compile();
  const stored = truth.database.prepare(query.sql).all(...query.parameters) as StoredRecord[];
  return stored.flatMap((each): Problem[] => {
    const { id, row, state } = each;
    if (!truth.seal.isIntact(recordOf(each))) return [{ id, part: 'record', message: 'does not match its checksum.' }];
    if (state === 'forgotten') return [];
    const message = refusalOf(() => truth.vectors.ofRow(row));
    return message === undefined ? [] : [{ id, part: 'vector', message }];
  });
}

function refusalOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (MemoryError.is(error)) return error.message;
    throw error;
  }
}

async function derivedProblems({ truth, vectors, readOnly }: Engine): Promise<Problem[]> {
  const words = readOnly ? undefined : wordsProblem(truth.database);
  const problems: Problem[] = words === undefined ? [] : [{ part: 'words', message: words }];
  for (const message of await vectors.check()) problems.push({ part: 'index', message });
  return problems;
}

async function rebuild(engine: Engine, problems: readonly Problem[]): Promise<void> {
  if (problems.some(({ part }) => part === 'words')) {
    rebuildWords(engine.truth.database, engine.truth.meta);
    engine.forgetWords();
  }
  if (problems.some(({ part }) => part === 'index')) await engine.vectors.rebuild();
}
