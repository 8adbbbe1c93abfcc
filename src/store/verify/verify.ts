import type { Progress } from '../../domain/calls';
import { MemoryError } from '../../domain/errors';
import type { VerifyProblem } from '../../state/verify/damage';
import { repairDerived } from '../../state/verify/repair';
import type { Engine } from '../composition/engine';
import { inspect } from './inspect';

export type { VerifyProblem };

/** What `verify` has found. */
export interface VerifyResult {
  /** True where nothing is wrong, or all that was wrong has been repaired. */
  ok: boolean;
  /** What was found, repaired or not. */
  problems: VerifyProblem[];
}

export interface VerifyOptions {
  readonly repair?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const derived: ReadonlySet<VerifyProblem['part']> = new Set(['database', 'words', 'index']);

/**
 * Reads everything and compares it with its checksums, and what is derived with what it is derived from, while others read and
 * write; what they change meanwhile may be left out. `repair` makes anew what is derived (SQLite's indexes, tags, words, the
 * vector index), which holds the event loop while words are indexed, and then reads everything again. A damaged record cannot
 * be repaired; it stays a problem. A store that was opened with `readOnly` is not repaired.
 *
 * @throws the signal's reason, STORE_CLOSED, and DISK_FULL of a repair; never for damage.
 */
export async function verify(engine: Engine, options: VerifyOptions): Promise<VerifyResult> {
  const problems = await inspect(engine, options);
  const isWorthRepair = options.repair === true && !engine.readOnly && problems.some(({ part }) => derived.has(part));
  if (!isWorthRepair) return { ok: problems.length === 0, problems };
  await repair(engine, problems);
  const lasting = await inspect(engine, options);
  const known = new Set(problems.map((problem) => JSON.stringify(problem)));
  const appeared = lasting.filter((problem) => !known.has(JSON.stringify(problem)));
  return { ok: lasting.length === 0, problems: [...problems, ...appeared] };
}

async function repair(engine: Engine, problems: readonly VerifyProblem[]): Promise<void> {
  const { database, meta } = engine.state;
  repairDerived(database, meta, problems);
  if (problems.some(({ part }) => part === 'words')) engine.forgetWords();
  if (!problems.some(({ part }) => part === 'index')) return;
  try {
    await engine.vectors.rebuild();
  } catch (error) {
    // Made from damaged vectors, it cannot be: every search stays exact.
    if (!MemoryError.is(error) || error.code !== 'RECORD_DAMAGED') throw error;
  }
}
