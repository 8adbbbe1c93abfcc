import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { Audit } from '../audit/audit';
import { openAuditDatabase } from '../audit/audit-database';
import type { Checkpoint } from '../audit/checkpoint';
import type { Declaration } from '../domain/declaration';
import { invalidInput, MemoryError } from '../domain/errors';
import { root } from '../domain/principal';
import { batchingEmbedder } from '../embedding/batching-embedder';
import type { Embedder } from '../embedding/embedder';
import { hashingEmbedder } from '../embedding/hashing-embedder';
import { SpaceEmbedder } from '../embedding/space-embedder';
import { type Environment, systemEnvironment } from '../environment/environment';
import { fixtureEnvironment } from '../environment/fixture-environment';
import { nextTurn } from '../environment/turn';
import { LocalLog } from '../log/local-log';
import { fromSqlite, translated } from '../sqlite/errors';
import { differ } from '../state/apply-declaration';
import { Checkpointer } from '../state/checkpointer';
import { type Checksum, loadChecksum } from '../state/checksum';
import { openDatabase } from '../state/database';
import { holdFolder } from '../state/folder-lock';
import type { Interning } from '../state/interning';
import { copyMark } from '../state/meta';
import { Truth } from '../state/truth';
import { PlannedSearch } from '../vector-index/planned-search';
import { SpaceSearch } from '../vector-index/space-search';
import { propose } from '../write/propose';
import { newRuleId } from '../write/rule-id';
import { stampOf } from '../write/stamp';
import { ChangeSignal } from './change-signal';
import { Engine } from './engine';
import { EventSource } from './events';
import type { Options } from './open-options';
import { PolledFeed } from './polled-feed';
import { auditFile, databaseFile, indexFolderOf } from './store-files';

const storeKeyBytes = 32;

/** The composition root: the one place that names implementations. Opens a folder for this process. */
export async function openFolder(folder: string, options: Options): Promise<Engine> {
  if (!options.readOnly) makeFolder(folder);
  const lock = options.readOnly ? undefined : holdFolder(folder);
  try {
    const database = openStore(join(folder, databaseFile), options.readOnly);
    return await compose({
      options,
      environment: systemEnvironment(options),
      database,
      audit: closingOnError(database, () => openAudit(join(folder, auditFile), options)),
      folder,
      onRelease: () => lock?.release(),
    });
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** A store without a folder, for tests: nothing outside the process, and the same run twice gives the same answers. */
export async function openInMemory(options: Options): Promise<Engine> {
  const environment = fixtureEnvironment(options);
  const database = openDatabase({ path: ':memory:', readOnly: false });
  const audit = openAuditDatabase(':memory:');
  return compose({ options, environment, database, audit, folder: undefined, onRelease: () => undefined });
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const known = fromSqlite(cause);
    if (MemoryError.is(known)) throw known;
    const { message } = cause as Error;
    throw new MemoryError('INVALID_INPUT', `${folder} cannot be made: ${message}.`, {
      cause,
      issues: [{ path: ['folder'], message }],
    });
  }
}

interface Opened {
  readonly options: Options;
  readonly environment: Environment;
  readonly database: Database;
  readonly audit: Database;
  readonly folder: string | undefined;
  onRelease(): void;
}

async function compose({ options, environment, database, audit, folder, onRelease }: Opened): Promise<Engine> {
  let closeAudit = (): void => {
    audit.close();
  };
  try {
    const checksum = await loadChecksum();
    const truth = truthOf(database, checksum, options);
    const events = new EventSource();
    const { interning } = truth;
    const spaces = {
      current: () => interning.currentSpace?.name,
      others: () =>
        [interning.spaceInRole('next'), interning.spaceInRole('previous')].flatMap((one) => one?.name ?? []),
    };
    const embedder = new SpaceEmbedder(batched(options.embedder ?? hashingEmbedder()), spaces, (error) =>
      events.emit('degraded', { part: 'embedder', error }),
    );
    if (options.embedder !== undefined) assertAccepted(embedder, options.embedder);
    const storeKey = translated(() => storeKeyOf(truth, environment));
    const storeId = createHash('sha256').update(storeKey).digest('hex').slice(0, 16);
    const searchIn = ({ vectors: stored, parts }: ReturnType<Truth['vectorsIn']>) =>
      new PlannedSearch({
        space: () => spaceOf(interning, parts.space()),
        truth: stored,
        memoryBytes: options.vectorMemoryBytes,
        exactUpTo: options.exactUpTo,
        folder: () =>
          folder === undefined || options.readOnly ? undefined : join(folder, indexFolderOf(parts.space())),
        newId: () => Buffer.from(environment.randomBytes(8)).toString('hex'),
        storeId,
        onLagging: (behind) => events.emit('lagging', { behind }),
        onIndexed: (index) => events.emit('indexed', { index }),
        onDegraded: (error) => events.emit('degraded', { part: 'index', error }),
      });
    const vectors = new SpaceSearch(searchIn(truth.vectorsIn(interning.currentSpace?.id)));
    const kept = new Audit({
      database: audit,
      changes: truth.audit,
      role: options.readOnly ? 'reader' : 'owner',
      reads: options.audit.reads,
      origin: options.audit.origin ?? `multi-agent-memory/${storeId}`,
      key: options.audit.key,
      environment,
      onCheckpoint: telling(options.audit.onCheckpoint),
      state: () => ({ policyVersion: truth.policy.version, index: truth.lastEntry }),
    });
    closeAudit = () => kept.close();
    const checkpointer =
      folder === undefined || options.readOnly ? undefined : new Checkpointer(database, environment.logger);
    const log = new LocalLog({
      apply: (frame) => {
        const applied = truth.apply(frame);
        engine.applied(applied);
        checkpointer?.committed();
        return applied.outcomes;
      },
      nextTurn,
      betweenFrames: () => checkpointer?.betweenFrames(),
      maxPending: options.limits.pendingWrites,
    });
    const engine = new Engine({
      options,
      environment,
      truth,
      embedder,
      log,
      vectors,
      searchIn: (space) => {
        const found = truth.vectorsIn(space);
        return { search: searchIn(found), parts: found.parts };
      },
      events,
      changed: options.readOnly ? new PolledFeed() : new ChangeSignal(),
      audit: kept,
      storeKey,
      release: async () => {
        await checkpointer?.close();
        database.close();
        onRelease();
      },
    });
    vectors.index();
    if (!options.readOnly && truth.meta.get(copyMark) === 1) await declareRestored(engine);
    if (options.access !== undefined) await declareRules(engine, options.access);
    return engine;
  } catch (error) {
    closeAudit();
    database.close();
    throw error;
  }
}

function spaceOf(interning: Interning, id: number | undefined) {
  return id === undefined ? undefined : interning.space(id);
}

/** @throws INVALID_INPUT where nothing can be written beside a store that is only read. */
function openAudit(path: string, { readOnly, audit: { reads } }: Options): Database {
  try {
    return translated(() => openAuditDatabase(path));
  } catch (error) {
    if (!readOnly || !MemoryError.is(error) || error.code !== 'INVALID_INPUT') throw error;
    // A disk that cannot be written to: who says that reads need no audit has none.
    if (reads === 'off') return openAuditDatabase(':memory:');
    const message = `must be writable for the audit of reads (${path}), or the store opened with audit: { reads: 'off' }.`;
    throw invalidInput([{ path: ['folder'], message }], 'The store');
  }
}

function closingOnError<T>(database: Database, run: () => T): T {
  try {
    return run();
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A listener that cannot disturb the store: what it throws is thrown in a turn of its own. */
function telling(listener: ((checkpoint: Checkpoint) => void) | undefined): (checkpoint: Checkpoint) => void {
  return (checkpoint) => {
    try {
      listener?.(checkpoint);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

/** A backup that is opened for the first time says so in its audit. */
async function declareRestored(engine: Engine): Promise<void> {
  const context = engine.writing();
  await propose(context, { type: 'epoch', stamp: stampOf(context, { actor: root, bound: {} }) });
}

/** @throws RECORD_DAMAGED where what is in the database makes no sense. */
function truthOf(database: Database, checksum: Checksum, { onProgress }: Options): Truth {
  try {
    return translated(() => new Truth(database, checksum, onProgress));
  } catch (error) {
    if (MemoryError.is(error)) throw error;
    const message = `${database.name} cannot be read as a store: it is damaged. Restore the folder from a backup.`;
    throw new MemoryError('RECORD_DAMAGED', message, { cause: error });
  }
}

function openStore(path: string, readOnly: boolean): Database {
  try {
    return translated(() => openDatabase({ path, readOnly }));
  } catch (error) {
    if (!readOnly || MemoryError.is(error)) throw error;
    const issues = [
      { path: ['folder'], message: `holds no store that can be read (${path}): open it without readOnly first.` },
    ];
    throw new MemoryError('INVALID_INPUT', `There is no store to read: ${path} cannot be opened.`, {
      issues,
      cause: error,
    });
  }
}

/** @throws EMBEDDER_MISMATCH where the store's vectors are of another space than the embedder's. */
export function assertAccepted(embedder: SpaceEmbedder, offered: Embedder): void {
  if (embedder.accepts(offered)) return;
  const { model, dimensions } = embedder.space;
  const other = `${offered.space.model} (${offered.space.dimensions} dimensions)`;
  const message = `The store's vectors come from ${model} (${dimensions} dimensions); ${other} makes vectors that do not compare with them. Open it with that embedder, or without one to read by id, by list and by keyword.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}

/** The embedder as a store uses it: texts of callers that come together in one batch, what was embedded before from a cache. */
export function batched(embedder: Embedder): Embedder {
  return batchingEmbedder(embedder);
}

/** Declares what `open` was given, as a command like any other, where it differs from what was declared before. */
export async function declareRules(engine: Engine, declarations: readonly Declaration[]): Promise<void> {
  const { environment, truth } = engine;
  if (!differ(truth, declarations)) return;
  if (engine.readOnly) {
    const issues = [
      { path: ['access'], message: 'differs from what is in force: a store that is only read cannot change it.' },
    ];
    throw invalidInput(issues, 'The options');
  }
  const context = engine.writing();
  const at = environment.clock.now();
  const named = declarations.map((declaration) => ({ id: newRuleId(environment, at, declaration), declaration }));
  const stamp = stampOf(context, { actor: root, bound: {} }, at);
  await propose(context, { type: 'declare', declarations: named, stamp });
}

/** The secret that authenticates cursors and hides what idempotency digests stand for. Made with the store. */
function storeKeyOf({ meta, database }: Truth, environment: Environment): Uint8Array {
  const kept = meta.get('store_key');
  if (kept instanceof Uint8Array) return kept;
  const made = environment.randomBytes(storeKeyBytes);
  if (!database.readonly) meta.put('store_key', Buffer.from(made));
  return made;
}
