import { appendFileSync, chmodSync, closeSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Outcome } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import { messageOf } from '../../domain/realms';
import type { Environment } from '../../environment/environment';
import { fromSqlite } from '../../sqlite/sqlite';
import type { AppliedBatch } from '../../state/state-store';
import { reserveFile } from './file-names';

/**
 * The reserve grows by this much. A store that writes little keeps one piece: an open and a deletion need less, by an
 * estimate that `test/faults/full-disk.slow.test.ts` confirms on a disk that is filled up before each.
 */
const pieceBytes = 2 ** 20;
/** If the file cannot be written although the disk has space, the next attempt comes after the log was measured this often. */
const checksAfterFailure = 128;
const privateFileMode = 0o600;
/** The first bytes of the file. A file of another program with the same name is neither changed nor removed. */
const mark = Buffer.from('multi-agent-memory: space for deletions on a full disk\n');

/**
 * A file that takes space from the disk while there is some. When the disk is full, it is removed, so that a store can still be opened
 * and memories can be forgotten. The file is as large as the write-ahead log: with that much space a checkpoint copies the whole log
 * into the database, and then gives back the space of the log.
 */
export class DiskReserve {
  readonly #path: string;
  readonly #environment: Pick<Environment, 'randomBytes' | 'logger'>;
  /** False if the file belongs to another program. The store then has no reserve. */
  readonly #isOwn: boolean;
  #bytes = 0;
  /** False while the disk is too full for the file. Then only deletions are written. Only this class changes it. */
  isKept = true;
  #checks = 0;
  #resumeAt = 0;

  constructor(folder: string, environment: Pick<Environment, 'randomBytes' | 'logger'>) {
    this.#path = join(folder, reserveFile);
    this.#environment = environment;
    this.#isOwn = isReserve(this.#path);
    if (!this.#isOwn) this.#warn('belongs to another program');
    this.#bytes = bytesOf(this.#path);
    this.ensure();
  }

  /** Makes the file if it is missing. Returns false if the disk is too full for it. */
  ensure(): boolean {
    if (!this.isKept || this.#bytes < pieceBytes) this.#grow();
    return this.isKept;
  }

  /** Removes the file, so that its space can be used. */
  release(): void {
    if (!this.#isOwn) return;
    rmSync(this.#path, { force: true });
    this.#bytes = 0;
    this.isKept = false;
  }

  /** Lets the file follow the length of the write-ahead log. The checkpointer calls this every few commits. */
  follow(logBytes: number): void {
    this.#checks++;
    if (!this.isKept || this.#bytes >= Math.max(logBytes, pieceBytes)) return;
    const before = this.#bytes;
    this.#grow();
    // A reserve that is smaller than the log is better than none.
    this.isKept ||= before >= pieceBytes;
  }

  #grow(): void {
    // While no write is let through, the log is not measured, and a pause would never end.
    if (!this.#isOwn || (this.isKept && this.#checks < this.#resumeAt)) return;
    const before = this.#bytes;
    try {
      appendFileSync(this.#path, this.#piece(before === 0), { mode: privateFileMode });
      this.#bytes += pieceBytes;
      this.isKept = true;
      if (before === 0) chmodSync(this.#path, privateFileMode);
    } catch (error) {
      const isFull = isDiskFull(fromSqlite(error));
      this.isKept = !isFull;
      this.#bytes = bytesOf(this.#path);
      // A reserve that fails for another reason must neither stop nor slow down writes.
      if (!isFull) {
        this.#resumeAt = this.#checks + checksAfterFailure;
        this.#warn(`cannot be written (${messageOf(error)})`);
      }
      // A part of a piece takes space that deletions need.
      else if (this.#bytes < pieceBytes) {
        rmSync(this.#path, { force: true });
        // The next file must begin with the mark, or the next open would take it for a file of another program.
        this.#bytes = 0;
      }
    }
  }

  /** Random bytes, because some file systems store zeros or equal pieces without taking space. */
  #piece(isFirst: boolean): Uint8Array {
    const piece = this.#environment.randomBytes(pieceBytes);
    if (isFirst) piece.set(mark);
    return piece;
  }

  #warn(problem: string): void {
    this.#environment.logger.warn(
      `The file ${this.#path} ${problem}. On a full disk, the store may have no space to open and to forget.`,
    );
  }
}

/** Checks whether a file is a reserve, or the beginning of one, or missing. */
function isReserve(path: string): boolean {
  if (bytesOf(path) === 0) return true;
  const head = Buffer.alloc(mark.length);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, head);
    return head.subarray(0, length).equals(mark.subarray(0, length));
  } finally {
    closeSync(file);
  }
}

const deletions: ReadonlySet<Command['type']> = new Set(['forget', 'drop-space', 'retain']);

/** What applies a batch, and what copies the write-ahead log into the database and gives back its space. */
interface ApplySteps {
  apply(commands: readonly Command[]): AppliedBatch;
  emptyLog(): void;
}

/**
 * Applies a batch that failed, or that comes while the disk is too full for the reserve. On a full disk the deletions of the batch use
 * the reserve, and its other commands get DISK_FULL.
 *
 * @param failure The error of the batch, if it was tried.
 */
export function applyWithReserve(
  reserve: DiskReserve,
  commands: readonly Command[],
  { apply, emptyLog }: ApplySteps,
  failure?: unknown,
): AppliedBatch {
  let full = failure;
  if (full === undefined && reserve.ensure()) {
    try {
      return apply(commands);
    } catch (error) {
      full = error;
    }
  }
  if (full === undefined) full = new MemoryError('DISK_FULL', lowOnSpace);
  else if (isDiskFull(full) && commands.some(isDeletion)) {
    reserve.release();
    emptyLog();
  }
  if (!isDiskFull(full) || !commands.some(isDeletion)) throw full;
  const batch = apply(commands.filter(isDeletion));
  const outcomes = [...batch.outcomes];
  const rejected: Outcome = { ok: false, error: full };
  return { ...batch, outcomes: commands.map((each) => (isDeletion(each) ? (outcomes.shift() ?? rejected) : rejected)) };
}

const lowOnSpace =
  'The disk is nearly full: its last space is kept for deletions. Nothing of this write was stored; every earlier write is safe. Free some space, then write again.';

function isDeletion({ type }: Command): boolean {
  return deletions.has(type);
}

/** Removes the reserve of a folder in which an open has failed. Returns whether that may help: the disk is full, and there was a reserve. */
export function releaseReserve(folder: string, failure: unknown): boolean {
  if (!isDiskFull(failure)) return false;
  const path = join(folder, reserveFile);
  if (bytesOf(path) === 0 || !isReserve(path)) return false;
  rmSync(path, { force: true });
  return true;
}

function isDiskFull(error: unknown): error is MemoryError {
  return MemoryError.is(error) && error.code === 'DISK_FULL';
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
