import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { Audit } from '../../audit/audit';
import { openAuditDatabase } from '../../audit/audit-database';
import type { Checkpoint } from '../../audit/checkpoint';
import { MemoryError } from '../../domain/errors';
import { batchingEmbedder } from '../../embedding/batching/batching-embedder';
import { builtInEmbedder, earlierBuiltInEmbedders } from '../../embedding/built-in/built-in-embedder';
import type { Embedder } from '../../embedding/embedder';
import { type BuiltIns, SpaceEmbedder, type SpacesInUse } from '../../embedding/space-embedder';
import { type Environment, systemEnvironment } from '../../environment/environment';
import { fixtureEnvironment } from '../../environment/fixture-environment';
import { nextTurn } from '../../environment/timers';
import { LocalLog } from '../../log/local-log';
import { translated } from '../../sqlite/sqlite';
import type { StateStore } from '../../state/state-store';
import { Checkpointer } from '../../state/tables/checkpointer';
import { openDatabase } from '../../state/tables/database';
import type { Interning } from '../../state/tables/interning';
import { loadChecksum } from '../../state/tables/memory-row';
import { copyMark } from '../../state/tables/store-meta';
import { PlannedSearch } from '../../vector-index/planned-search';
import { SpaceSearch } from '../../vector-index/space-search';
import { declareRestored } from '../../write/declare';
import { EventSource } from '../events';
import type { Options } from '../open-options';
import { ChangeSignal } from './change-signal';
import { declareRules } from './declare';
import { Engine } from './engine';
import { lockFolder } from './folder-lock';
import { closingOnError, makeFolder, openAudit, openStore, storeKeyOf, truthOf } from './open-files';
import { PolledFeed } from './polled-feed';
import { auditFile, databaseFile, indexFolderOf } from './store-files';
import { isEarlierBuiltIn, upgradeBuiltIn } from './upgrade-built-in';

/** The embedder of stores that are opened without one, and those that earlier releases had in its place. */
const builtIns: BuiltIns = { current: builtInEmbedder(), previous: earlierBuiltInEmbedders() };

/** The composition root: the one place that names implementations. Opens a folder for this process. */
export async function openFolder(folder: string, options: Options, own = builtIns): Promise<Engine> {
  if (!options.readOnly) makeFolder(folder);
  const lock = options.readOnly ? undefined : lockFolder(folder);
  try {
    const database = openStore(join(folder, databaseFile), options.readOnly);
    return await compose({
      options,
      environment: systemEnvironment(options),
      database,
      audit: closingOnError(database, () => openAudit(join(folder, auditFile), options)),
      folder,
      builtIns: own,
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
  return compose({ options, environment, database, audit, folder: undefined, builtIns, onRelease: () => undefined });
}

interface Opened {
  readonly options: Options;
  readonly environment: Environment;
  readonly database: Database;
  readonly audit: Database;
  readonly folder: string | undefined;
  readonly builtIns: BuiltIns;
  onRelease(): void;
}

async function compose(opened: Opened): Promise<Engine> {
  const { options, environment, database, audit, folder, onRelease } = opened;
  let closeAudit = (): void => {
    audit.close();
  };
  try {
    const checksum = await loadChecksum();
    const state = truthOf(database, checksum, options);
    const events = new EventSource();
    const { interning } = state;
    const { current: builtIn, previous } = opened.builtIns;
    const own = batched(options.embedder ?? builtIn);
    const embedder = new SpaceEmbedder(
      [own, ...[builtIn, ...previous].map(batched)],
      spacesOf(interning, opened.builtIns),
      (error) => events.emit('degraded', { part: 'embedder', error }),
    );
    if (options.embedder !== undefined) assertAccepted(embedder, options.embedder);
    const storeKey = translated(() => storeKeyOf(state, environment));
    const storeId = createHash('sha256').update(storeKey).digest('hex').slice(0, 16);
    const indexIn = (space?: number) =>
      folder === undefined || options.readOnly ? undefined : join(folder, indexFolderOf(space));
    const searchIn = ({ vectors: stored, chunks }: ReturnType<StateStore['vectorsIn']>) => {
      const isSearched = () => interning.currentSpace?.id === chunks.space();
      return new PlannedSearch({
        space: () => spaceOf(interning, chunks.space()),
        source: stored,
        memoryBytes: options.vectorMemoryBytes,
        exactUpTo: options.exactUpTo,
        folder: () => indexIn(chunks.space()),
        newId: () => Buffer.from(environment.randomBytes(8)).toString('hex'),
        storeId,
        onLagging: (indexLag) => isSearched() && events.emit('lagging', { indexLag }),
        onIndexed: (changeSeq) => isSearched() && events.emit('indexed', { changeSeq }),
        onDegraded: (error) => events.emit('degraded', { part: 'index', error }),
      });
    };
    const vectors = new SpaceSearch(searchIn(state.vectorsIn(interning.currentSpace?.id)));
    const kept = new Audit({
      database: audit,
      changes: state.auditLog,
      role: options.readOnly ? 'reader' : 'writer',
      reads: options.audit.reads,
      origin: options.audit.origin ?? `multi-agent-memory/${storeId}`,
      key: options.audit.key,
      environment,
      onCheckpoint: telling(options.audit.onCheckpoint),
      state: () => ({ policyVersion: state.policy.version, changeSeq: state.lastChangeSeq }),
    });
    closeAudit = () => kept.close();
    const checkpointer =
      folder === undefined || options.readOnly ? undefined : new Checkpointer(database, environment.logger);
    const log = new LocalLog({
      apply: (batch) => {
        const applied = state.apply(batch);
        engine.applied(applied);
        checkpointer?.committed();
        return applied.outcomes;
      },
      nextTurn,
      betweenBatches: () => checkpointer?.betweenBatches(),
      maxPending: options.limits.pendingWrites,
    });
    const engine = new Engine({
      options,
      environment,
      state,
      embedder,
      log,
      vectors,
      searchIn: (space) => {
        const found = state.vectorsIn(space);
        return { search: searchIn(found), chunks: found.chunks };
      },
      removeIndex: async (space) => {
        const index = indexIn(space);
        if (index !== undefined) await rm(index, { recursive: true, force: true });
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
    if (!options.readOnly && state.meta.get(copyMark) === 1) await declareRestored(engine.writing());
    if (options.access !== undefined) await declareRules(engine, options.access);
    if (!options.readOnly) engine.moves.changed();
    if (!options.readOnly) void upgradeBuiltIn(engine, opened.builtIns, options);
    return engine;
  } catch (error) {
    closeAudit();
    database.close();
    throw error;
  }
}

function spacesOf(interning: Interning, builtIns: BuiltIns): SpacesInUse {
  const nameIn = (role: 'next' | 'previous') => interning.spaceInRole(role)?.name ?? [];
  const current = () => interning.currentSpace?.name;
  return {
    current,
    // A store of an earlier built-in model is about to move to today's, even before the move has begun.
    others: () =>
      [nameIn('next'), nameIn('previous'), isEarlierBuiltIn(builtIns, current()) ? builtIns.current.space : []].flat(),
  };
}

function spaceOf(interning: Interning, id: number | undefined) {
  return id === undefined ? undefined : interning.space(id);
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

/** @throws EMBEDDER_MISMATCH where the store's vectors are of another space than the embedder's. */
export function assertAccepted(embedder: SpaceEmbedder, offered: Embedder): void {
  if (embedder.accepts(offered)) return;
  const { model, dimensions } = embedder.space;
  const other = `${offered.space.model} (${offered.space.dimensions} dimensions)`;
  const message = `The store's vectors come from ${model} (${dimensions} dimensions); ${other} makes vectors that do not compare with them. Open it with that embedder, or without one to read by id, by list and by keyword, and to move it to the other with reembed.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}

/** The embedder as a store uses it: texts of callers that come together in one batch, what was embedded before from a cache. */
export function batched(embedder: Embedder): Embedder {
  return batchingEmbedder(embedder);
}
