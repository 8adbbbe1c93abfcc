import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { readdir, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { auditSchemaProblems } from '../audit/audit-database';
import type { Progress } from '../domain/calls';
import { invalidInput, MemoryError } from '../domain/errors';
import { folderPath } from '../domain/folder-path';
import { processWide } from '../environment/process-wide';
import { startStopwatch } from '../environment/timers';
import { openSqlite } from '../sqlite/open-sqlite';
import { fromSqlite, translated } from '../sqlite/sqlite';
import { syncFolder } from '../sqlite/sync-folder';
import { StateStore } from '../state/state-store';
import { loadChecksum } from '../state/tables/checksum';
import { compactDatabase } from '../state/tables/compact-database';
import { storeSchemaProblems } from '../state/tables/expected-schema';
import { storeKeyOf } from '../state/tables/store-key';
import { backup } from './backup';
import type { Engine } from './composition/engine';
import { auditFile, databaseFile, snapshotWorkFolder } from './composition/file-names';
import { makeFile, makeFolder } from './composition/folder-privacy';
import { storeIdOf } from './composition/open-files';
import { assertOutside } from './composition/real-path';
import type { Snapshot, SnapshotList, SnapshotPlan } from './snapshot';
import { saltBytes } from './snapshot-cipher';
import { readSnapshotFile, readSnapshotHead, type SnapshotHead, writeSnapshotFile } from './snapshot-file';

/** The options of a snapshot after parsing. */
export interface ParsedSnapshotOptions {
  readonly keep?: number | undefined;
  readonly encryptionKey?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The parts of a store of which a snapshot is made. */
export type SnapshotSource = Pick<Engine, 'state' | 'audit' | 'environment'>;

const fileName = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z\.\d+\.[0-9a-f]{8}\.snapshot$/;
/** A file that is not complete. No other process looks at it. */
const unfinished = /^\.(\d+)-\d{4}-\d\d-.*\.snapshot\.part$/;
const idBytes = 4;

/** The working copies and unfinished files that this process is making now, by path. */
const inProgress = processWide('snapshots in progress 1', () => new Set<string>());

/**
 * Makes a snapshot of a store in a folder: copies the databases, opens and checks the copy, writes it as one file, reads the file again, and then
 * gives it its name. Reads and writes of the store go on. If it fails or is aborted, nothing of it stays.
 *
 * @throws INVALID_INPUT, DISK_FULL, FILE_FAILED; RECORD_DAMAGED if the database of the store is damaged
 */
export async function makeSnapshot(
  source: SnapshotSource,
  folder: string,
  options: ParsedSnapshotOptions,
): Promise<Snapshot> {
  const { signal, encryptionKey, keep } = options;
  signal?.throwIfAborted();
  const home = homeOf(source);
  if (home !== undefined) assertOutside(home, folder, 'to');
  const id = Buffer.from(source.environment.randomBytes(idBytes)).toString('hex');
  // Where the snapshots are kept, nobody may read what an encrypted snapshot contains.
  const work = join(encryptionKey === undefined ? folder : workPlace(home), `snapshot-${process.pid}-${id}.part`);
  const held = [work];
  inProgress.add(work);
  let part: string | undefined;
  try {
    translated(() => makeFolder(folder, false));
    removeLeftovers(dirname(work));
    removeLeftovers(folder);
    await assertRoom(source, folder, dirname(work));
    await copied(source, work, options);
    const header = await inspected(source, work);
    const name = `${new Date(header.at).toISOString().replace(/[:.]/g, '-')}.${header.changeSeq}.${id}.snapshot`;
    part = join(folder, `.${process.pid}-${name}.part`);
    held.push(part);
    inProgress.add(part);
    const head = await written(part, { source, work, header, options });
    signal?.throwIfAborted();
    const path = join(folder, name);
    renameSync(part, path);
    syncFolder(folder);
    if (keep !== undefined) await removeOld(folder, head.header.store, keep);
    return snapshotOf(path, head);
  } catch (error) {
    if (part !== undefined) rmSync(part, { force: true });
    throw fromSqlite(error);
  } finally {
    rmSync(work, { recursive: true, force: true });
    for (const path of held) inProgress.delete(path);
  }
}

/** Checks what a snapshot needs, and writes nothing. See `makeSnapshot` for the errors. */
export async function planSnapshot(
  source: SnapshotSource,
  to: string,
  { keep, encryptionKey, signal }: ParsedSnapshotOptions,
): Promise<SnapshotPlan> {
  signal?.throwIfAborted();
  const home = homeOf(source);
  const folder = resolve(to);
  try {
    if (home !== undefined) assertOutside(home, folder, 'to');
    const there = existingPart(folder);
    const [room] = await assertRoom(source, there, encryptionKey === undefined ? there : workPlace(home));
    const whole = there === folder ? (await snapshotsIn(folder)).whole : [];
    const own = whole.filter(({ head }) => head.header.store === storeNameOf(source.state));
    const deleted = keep === undefined ? [] : own.slice(keep - 1).map(({ path }) => path);
    const isEncrypted = encryptionKey !== undefined;
    return { to: folder, bytes: bytesOf(source), ...(room as Room), isEncrypted, deleted };
  } catch (error) {
    throw fromSqlite(error);
  }
}

/** The folder itself, or the nearest one above it that exists. */
function existingPart(folder: string): string {
  return existsSync(folder) ? folder : existingPart(dirname(folder));
}

/** Copies the databases. The copy of the store contains nothing that was forgotten before. */
async function copied(source: SnapshotSource, work: string, options: ParsedSnapshotOptions): Promise<void> {
  const pages = join(work, 'pages');
  await backup(source, pages, options);
  makeFile(join(work, databaseFile), false);
  const audit = join(pages, auditFile);
  const problems = await compactDatabase(join(pages, databaseFile), join(work, databaseFile), [audit]);
  options.signal?.throwIfAborted();
  assertWhole(problems);
  renameSync(audit, join(work, auditFile));
  rmSync(pages, { recursive: true });
}

/** The folder of the store. Undefined for a store in memory. */
function homeOf({ state: { database } }: SnapshotSource): string | undefined {
  return database.memory ? undefined : dirname(database.name);
}

function workPlace(home: string | undefined): string {
  if (home !== undefined) return home;
  const message =
    'expected no key: a store in memory has no folder in which a copy could be made before it is encrypted.';
  throw invalidInput([{ path: ['encryptionKey'], message }]);
}

/** Removes what processes left that were killed while they made a snapshot: it may contain what was forgotten since. */
export function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const [, pid] = snapshotWorkFolder.exec(name) ?? unfinished.exec(name) ?? [];
    const path = join(folder, name);
    if (pid === undefined || inProgress.has(path) || (Number(pid) !== process.pid && isRunning(Number(pid)))) continue;
    rmSync(path, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The bytes of the databases. */
function bytesOf({ state, audit }: SnapshotSource): number {
  return [state.database, audit.database].reduce(
    (sum, database) => sum + pragmaNumber(database, 'page_count') * pragmaNumber(database, 'page_size'),
    0,
  );
}

interface Room {
  readonly neededBytes: number;
  readonly freeBytes: number;
}

/**
 * Returns the room in each folder, that of the snapshots first.
 *
 * @throws DISK_FULL: a snapshot must not take the space that the writes of the store need
 */
async function assertRoom(source: SnapshotSource, folder: string, workFolder: string): Promise<Room[]> {
  const bytes = bytesOf(source);
  const isShared = statSync(folder).dev === statSync(workFolder).dev;
  const rooms: [string, number][] = isShared
    ? [[folder, 2 * bytes]]
    : [
        [folder, bytes],
        [workFolder, 2 * bytes],
      ];
  const found: Room[] = [];
  for (const [path, neededBytes] of rooms) {
    const { bavail, bsize } = await statfs(path);
    const freeBytes = bavail * bsize;
    found.push({ neededBytes, freeBytes });
    if (freeBytes >= neededBytes) continue;
    const message = `The disk of ${path} is too full: a snapshot needs ${neededBytes} bytes there, and ${freeBytes} are free. Nothing was changed. Free some space.`;
    throw new MemoryError('DISK_FULL', message);
  }
  return found;
}

function pragmaNumber(database: SnapshotSource['state']['database'], name: string): number {
  return database.pragma(name, { simple: true }) as number;
}

/** Opens the copy as a store would, and compares the schemas with those of this release. */
async function inspected(source: SnapshotSource, work: string) {
  const at = source.environment.clock.now();
  const paths = [databaseFile, auditFile].map((name) => join(work, name));
  const [database, accesses] = paths.map((path) => openSqlite(path, { readonly: true, fileMustExist: true }));
  if (database === undefined || accesses === undefined) throw new Error('A snapshot has two databases.');
  try {
    const state = new StateStore(database, await loadChecksum());
    assertWhole([...storeSchemaProblems(database), ...auditSchemaProblems(accesses)].map(({ message }) => message));
    return { at, changeSeq: state.lastChangeSeq, store: storeNameOf(state) };
  } finally {
    database.close();
    accesses.close();
  }
}

function assertWhole(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const message = `No snapshot was made, because the copy of the store is damaged: ${problems[0]} Run verify() to find out whether the store is damaged, too.`;
  throw new MemoryError('RECORD_DAMAGED', message);
}

interface WrittenSnapshot {
  readonly source: SnapshotSource;
  readonly work: string;
  readonly header: { readonly at: number; readonly changeSeq: number; readonly store: string };
  readonly options: ParsedSnapshotOptions;
}

/** Writes the file, and reads it again as a restore would. */
async function written(path: string, { source, work, header, options }: WrittenSnapshot): Promise<SnapshotHead> {
  const { signal, encryptionKey: key } = options;
  const files = [databaseFile, auditFile].map((name) => ({ name, bytes: statSync(join(work, name)).size }));
  const salt = key && Buffer.from(source.environment.randomBytes(saltBytes)).toString('base64url');
  const paths = files.map(({ name }) => join(work, name));
  const elapsedMs = startStopwatch();
  const report = (phase: string) => reporter(phase, options.onProgress, elapsedMs);
  const full = { ...header, files, ...(salt === undefined ? {} : { salt }) };
  await writeSnapshotFile(path, full, paths, key, { signal, onBytes: report('write') });
  return readSnapshotFile(path, key, async () => undefined, { signal, onBytes: report('verify') });
}

/** Reports bytes as progress. */
export function reporter(
  phase: string,
  onProgress: ParsedSnapshotOptions['onProgress'],
  elapsedMs = startStopwatch(),
): (done: number, total: number) => void {
  return (done, total) => onProgress?.({ phase, done, failed: 0, total, perSecond: (done / elapsedMs()) * 1000 });
}

/** Describes a snapshot file. */
export function snapshotOf(path: string, { header, bytes, digest }: SnapshotHead): Snapshot {
  const { at, changeSeq, salt } = header;
  return { path, at: new Date(at), changeSeq, bytes, digest, isEncrypted: salt !== undefined };
}

async function removeOld(folder: string, store: string, keep: number): Promise<void> {
  const { whole } = await snapshotsIn(folder);
  const own = whole.filter(({ head }) => head.header.store === store);
  for (const { path } of own.slice(keep)) rmSync(path, { force: true });
  if (own.length > keep) syncFolder(folder);
}

/** The snapshots in a folder with their headers, the newest first. */
export async function snapshotsIn(folder: string): Promise<{
  readonly whole: readonly { readonly path: string; readonly head: SnapshotHead }[];
  readonly damaged: SnapshotList['damaged'];
}> {
  const whole: { path: string; head: SnapshotHead }[] = [];
  const damaged: SnapshotList['damaged'] = [];
  for (const name of (await readdir(folder)).filter((each) => fileName.test(each))) {
    const path = join(folder, name);
    try {
      whole.push({ path, head: await readSnapshotHead(path) });
    } catch (error) {
      // Another process may have deleted it since the folder was read.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      const found = fromSqlite(error);
      if (!MemoryError.is(found)) throw found;
      damaged.push({ path, reason: found.message });
    }
  }
  whole.sort((a, b) => {
    const [one, other] = [a.head.header, b.head.header];
    return other.at - one.at || other.changeSeq - one.changeSeq || (a.path < b.path ? -1 : 1);
  });
  return { whole, damaged };
}

/** When the newest snapshot of a store in a folder was made. Undefined if there is none. */
export async function newestSnapshot(
  { state }: Pick<SnapshotSource, 'state'>,
  folder: string,
): Promise<number | undefined> {
  const store = storeNameOf(state);
  return (await snapshotsIn(folder)).whole.find(({ head }) => head.header.store === store)?.head.header.at;
}

function storeNameOf(state: Parameters<typeof storeKeyOf>[0]): string {
  const storeKey = storeKeyOf(state);
  return storeKey === undefined ? '' : storeIdOf(storeKey);
}

/** See `listSnapshots`. */
export async function list(folder: string | URL): Promise<SnapshotList> {
  try {
    const { whole, damaged } = await snapshotsIn(folderPath(folder));
    return { snapshots: whole.map(({ path, head }) => snapshotOf(path, head)), damaged };
  } catch (error) {
    throw fromSqlite(error);
  }
}
