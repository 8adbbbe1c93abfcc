import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { Audit } from '../../audit/audit';
import { openAuditDatabase, prepareAuditDatabase } from '../../audit/audit-database';
import type { Checkpoint } from '../../audit/checkpoint';
import { extractiveSummarizer } from '../../consolidation/extractive-summarizer';
import type { Declaration } from '../../domain/declaration';
import { defined } from '../../domain/defined';
import { invalidInput, MemoryError } from '../../domain/errors';
import { root } from '../../domain/principal';
import { batchingEmbedder, type CachingEmbedder } from '../../embedding/batching/batching-embedder';
import { builtInEmbedder, earlierBuiltInEmbedders } from '../../embedding/built-in/built-in-embedder';
import type { Embedder } from '../../embedding/embedder';
import { type BuiltIns, SpaceEmbedder } from '../../embedding/space-embedder';
import { type Environment, systemEnvironment } from '../../environment/environment';
import { fixtureEnvironment } from '../../environment/fixture-environment';
import { aliveWhile, nextTurn, schedule } from '../../environment/timers';
import { whileBusy } from '../../environment/while-busy';
import { LocalLog } from '../../log/local-log';
import type { RaftLog } from '../../log/raft-log';
import type { ReplicatedLog } from '../../log/replicated-log';
import type { SharedLog } from '../../log/shared-log';
import type { RaftTransport } from '../../raft/transport/raft-transport';
import type { TcpTransport } from '../../raft/transport/tcp-transport';
import { spacesInUse } from '../../reembedding/space-switch';
import type { DivergenceWatch } from '../../replica/divergence-watch';
import { LongChore } from '../../replica/long-chore';
import { RecentDigests } from '../../replica/state-comparison';
import { builtInScreener } from '../../screening/built-in/built-in-screener';
import { CommitSync } from '../../sqlite/commit-sync';
import { openSqlite } from '../../sqlite/open-sqlite';
import { fromSqlite, translated } from '../../sqlite/sqlite';
import type { ReadModel, SpaceVectors } from '../../state/read-model';
import { assertAlone, type StateStore } from '../../state/state-store';
import { accessVersionOf } from '../../state/tables/access-version';
import { Checkpointer } from '../../state/tables/checkpointer';
import { loadChecksum } from '../../state/tables/checksum';
import { openDatabase } from '../../state/tables/database';
import { isOutdated } from '../../state/tables/migrations';
import { copyMark } from '../../state/tables/store-meta';
import { removeIndex } from '../../vector-index/index-manifest';
import { PlannedSearch, SpaceSearch } from '../../vector-index/planned-search';
import { declareAtOpen, declareRestored, differsFrom } from '../../write/declare';
import { AuditedCalls } from '../audited-calls';
import type { ClusterNode } from '../cluster-node';
import type { ClusterSettings } from '../cluster-options';
import { ChangeSignal, EventSource, PolledFeed } from '../events';
import { closeInOrder, Lifetime } from '../lifetime';
import type { Options } from '../open-options';
import { retentionSweep } from './background-retention';
import type { ClusterFolder, NodeStorage } from './cluster-folder';
import { DiskReserve, releaseReserve } from './disk-reserve';
import { Engine, type LogTarget } from './engine';
import { auditFile, databaseFile, indexFolderOf, lockFile, restoreFolder, snapshotWorkFolder } from './file-names';
import { type FolderLock, lockFolder } from './folder-lock';
import { makeFile, makeFolder, protectFolder } from './folder-privacy';
import { memoryShares } from './memory-shares';
import { closingOnError, loadState, openAudit, openStore, openStoreKey, storeIdOf } from './open-files';
import { clusterOf, keepChores, type OpenedNode, peerLogDeps, watchClocks, watchDivergence } from './peer';
import { hasLog } from './read-snapshot';
import { assertOutside, realPath } from './real-path';
import type { ClusterRecovery } from './recover-cluster';
import { isUpgradeDue, upgradeBuiltIn } from './upgrade-built-in';
import { claimFolder } from './version-claims';

/** The embedder for stores that are opened without one, and the embedders that earlier releases used for this. */
const builtIns: BuiltIns = { current: builtInEmbedder(), previous: earlierBuiltInEmbedders() };

/** What makes facts and screens texts where the host names nothing else. */
const withoutModels = { summarizer: extractiveSummarizer(), screener: builtInScreener() };

/**
 * Opens a folder for this process. This file is the composition root: only this file imports the implementations of ports (interfaces
 * with interchangeable implementations).
 */
export async function openFolder(folder: string, options: Options, own = builtIns): Promise<Engine> {
  try {
    return await whileBusy(() => openOnce(folder, options, own));
  } catch (error) {
    // With the space of the reserve, a store on a full disk opens and can forget.
    if (options.readOnly || !releaseReserve(folder, fromSqlite(error))) throw error;
    return openOnce(folder, options, own);
  }
}

async function openOnce(folder: string, options: Options, own: BuiltIns): Promise<Engine> {
  const endClaim = claimFolder(realPath(folder));
  let lock: FolderLock | undefined;
  const release = () => {
    lock?.release();
    endClaim();
  };
  try {
    translated(() => prepareFolder(folder, options));
    if (!options.readOnly) lock = lockFolder(folder);
    if (!options.readOnly) translated(() => makeDatabases(folder, options));
    if (!options.readOnly) await removeWorkingCopies(folder);
    const hadLog = !options.readOnly && hasLog(join(folder, databaseFile));
    const database = openStore(folder, options);
    const environment = systemEnvironment(options);
    const auditDatabase = closingOnError(database, () => openAudit(folder, options, environment.logger));
    const opened: Opened = {
      options,
      environment,
      database,
      auditDatabase,
      folder,
      hadLog,
      builtIns: own,
      onRelease: release,
    };
    if (options.log !== undefined) return await aliveWhile(composeOnLog(opened, folder, options.log));
    if (options.cluster === undefined) return await compose(opened);
    // A node has nothing but timers and sockets that wait for other nodes, and the process must not end meanwhile.
    return await aliveWhile(composeNode(opened, folder, options.cluster));
  } catch (error) {
    release();
    throw error;
  }
}

/** Opens the folder of a node, which joins its cluster first if it is new. */
async function composeNode(opened: Opened, folder: string, settings: ClusterSettings): Promise<Engine> {
  const { options, environment, database, auditDatabase } = opened;
  const { trustFolder, signal } = options;
  // What only a cluster needs is loaded here, so that a store without peers does not load it.
  const { TcpTransport } = await import('../../raft/transport/tcp-transport');
  const { ClusterFolder } = await import('./cluster-folder');
  const makeTransport = () => ownTransport(settings) ?? tcpTransport(TcpTransport, settings, environment);
  const openStorage = (path: string) => openNodeStorage(path, environment, trustFolder);
  let node: ClusterFolder | undefined;
  try {
    try {
      node = await ClusterFolder.open({ folder, settings, openStorage, environment, database, signal, makeTransport });
    } catch (error) {
      auditDatabase.close();
      database.close();
      throw error;
    }
    const { openNode } = node;
    return await compose({ ...opened, openNode });
  } catch (error) {
    await node?.close();
    throw error;
  }
}

/** Opens the folder of a store whose log is kept outside of the process. */
async function composeOnLog(opened: Opened, folder: string, log: SharedLog): Promise<Engine> {
  const { openSharedLog } = await import('./shared-log-folder');
  const { environment, options } = opened;
  const { trustFolder } = options;
  return compose({
    ...opened,
    openNode: (state) => openSharedLog({ folder, trustFolder, log, environment, state }),
  });
}

async function openNodeStorage(folder: string, environment: Environment, trustFolder: boolean): Promise<NodeStorage> {
  const { SegmentStorage } = await import('../../raft/storage/segment-storage');
  const randomBytes = (length: number) => environment.randomBytes(length);
  return SegmentStorage.open({ folder, randomBytes, trustFolder });
}

/**
 * Takes the store in a folder out of a cluster whose majority is lost for ever, with everything that is in its log. Open it with `bootstrap`
 * afterwards: it founds a new cluster, to which no node of the old one can come back. What other nodes have acknowledged and this node has
 * not received is lost.
 *
 * @returns Undefined if the store belonged to no cluster. Nothing was changed then.
 * @throws INVALID_INPUT if there is no store in the folder; STORE_HELD if it is open; RECORD_DAMAGED, FILE_FAILED if its log or its
 * database is damaged. `leaveCluster` then takes the store out without the rest of the log.
 */
export async function recoverCluster(folder: string | URL): Promise<ClusterRecovery | undefined> {
  const { recoverFolder } = await import('./recover-cluster');
  return recoverFolder(folder, (path) => openNodeStorage(path, systemEnvironment(), true));
}

const transportMethods = ['start', 'setMembers', 'send', 'sendSnapshot', 'request', 'close'] as const;

/** The transport that the host has made. Undefined if it has given none. */
function ownTransport({ transport: make }: ClusterSettings): RaftTransport | undefined {
  if (make === undefined) return undefined;
  const transport = make();
  const missing = transportMethods.filter((name) => typeof Object(transport)[name] !== 'function');
  if (missing.length === 0) return transport;
  const message = `expected a function that returns a RaftTransport; what it has returned lacks the methods ${missing.join(', ')}.`;
  throw invalidInput([{ path: ['cluster', 'transport'], message }], 'options');
}

function tcpTransport(
  Transport: typeof TcpTransport,
  { listen, advertise, tls, secret }: ClusterSettings,
  environment: Environment,
): TcpTransport {
  if (listen === undefined) throw new TypeError('A node without a transport of its own listens on an address.');
  const randomBytes = (length: number) => environment.randomBytes(length);
  return new Transport({ listen, advertise, randomBytes, ...defined({ tls, secret }) });
}

/** Creates the folder and its lock file, so that only their user has access. Checks that no other user can have put files there. */
function prepareFolder(folder: string, { readOnly, trustFolder, snapshots }: Options): void {
  if (existsSync(join(folder, restoreFolder))) {
    const message = `a restore of a snapshot into ${folder} was interrupted, or still runs. Restore the snapshot again.`;
    throw invalidInput([{ path: ['folder'], message }], 'folder');
  }
  if (snapshots !== undefined) assertOutside(folder, snapshots.to, 'snapshots');
  if (readOnly) {
    if (existsSync(folder)) protectFolder(folder, { readOnly, trustFolder });
    return;
  }
  makeFolder(folder, trustFolder);
  protectFolder(folder, { readOnly, trustFolder });
  makeFile(join(folder, lockFile), trustFolder);
}

/** Removes the working copies of snapshots that were interrupted: they contain what was forgotten since. */
async function removeWorkingCopies(folder: string): Promise<void> {
  if (!readdirSync(folder).some((name) => snapshotWorkFolder.test(name))) return;
  const { removeLeftovers } = await import('../snapshots');
  translated(() => removeLeftovers(folder));
}

/** Creates the database files. Only the process that holds the lock may call this. */
function makeDatabases(folder: string, { trustFolder }: Options): void {
  for (const file of [databaseFile, auditFile]) makeFile(join(folder, file), trustFolder);
}

/** How a store in memory that is a node of a cluster is opened. */
export interface NodeInMemory {
  /** What the databases contained when the node was stopped. Undefined at its first start. */
  readonly content: { readonly database: Buffer; readonly audit: Buffer } | undefined;
  readonly environment: Partial<Environment>;
  openNode(state: StateStore): OpenedNode;
  /** Gets the log before the store uses it. */
  onLog(log: RaftLog): ReplicatedLog;
}

/** Opens a store without a folder, for tests. It uses nothing outside the process, and gives the same results in every run. */
export async function openInMemory(options: Options, node?: NodeInMemory): Promise<Engine> {
  const content = node?.content;
  return compose({
    options,
    environment: fixtureEnvironment({ ...options, ...node?.environment }),
    database: openDatabase({ path: ':memory:', readOnly: false }, content?.database),
    auditDatabase:
      content === undefined ? openAuditDatabase(':memory:') : prepareAuditDatabase(openSqlite(content.audit)),
    folder: undefined,
    hadLog: false,
    builtIns,
    ...(node && { openNode: (state) => node.openNode(state), onLog: (log) => node.onLog(log) }),
    onRelease: () => undefined,
  });
}

interface Opened {
  readonly options: Options;
  readonly environment: Environment;
  readonly database: Database;
  readonly auditDatabase: Database;
  /** Undefined for a store that is only in RAM. */
  readonly folder: string | undefined;
  /** True if an earlier process was killed and has left a write-ahead log. */
  readonly hadLog: boolean;
  readonly builtIns: BuiltIns;
  /** Opens the node of a store that belongs to a cluster. Absent for a store that is alone. */
  readonly openNode?: (state: StateStore) => OpenedNode | Promise<OpenedNode>;
  /** Gets the log of a node before the store uses it. */
  readonly onLog?: (log: RaftLog) => ReplicatedLog;
  onRelease(): void;
}

async function compose(opened: Opened): Promise<Engine> {
  const { options, environment, database, auditDatabase, folder, onRelease } = opened;
  let closeAudit: () => void = () => auditDatabase.close();
  let syncs: Syncs = { sync: undefined, databaseSync: undefined };
  let checkpointer: Checkpointer | undefined;
  let peer: PeerLog | undefined;
  try {
    const wasOutdated = isOutdated(database);
    const { state, model } = loadState(database, await loadChecksum(), options);
    if (!options.readOnly && opened.openNode === undefined) assertAlone(state.membership);
    warnOfRenamedKeys(state, environment);
    const events = new EventSource();
    const embedder = openEmbedder(opened, state, events);
    const node = await opened.openNode?.(state);
    peer = node && (await peerLog(opened, node, state, events));
    const storeKey = translated(() => openStoreKey(state, environment));
    const storeId = storeIdOf(storeKey);
    const searchIn = searchMaker(opened, model, events, storeId);
    syncs = await openSyncs(opened, node !== undefined);
    const { sync } = syncs;
    const audit = startAudit(opened, state, storeId, syncs);
    closeAudit = () => audit.close();
    const reserve = folder === undefined || options.readOnly ? undefined : new DiskReserve(folder, environment);
    checkpointer = reserve && new Checkpointer(database, environment.logger, (logBytes) => reserve.follow(logBytes));
    // Text that an earlier process or a migration has deleted must not stay in the log.
    if (opened.hadLog || wasOutdated) checkpointer?.forgot();
    const log = peer ?? localLog(opened, sync, checkpointer);
    const engine = new Engine({
      options,
      environment,
      state,
      model,
      embedder,
      vectors: new SpaceSearch(searchIn(model.vectorsIn(state.interning.currentSpace?.id))),
      events,
      feed: options.readOnly ? new PolledFeed() : new ChangeSignal(),
      audit,
      storeKey,
      checkpointer,
      sync,
      reserve,
      searchIn,
      removeIndex: async (space) => {
        const index = indexPath(opened, space);
        if (index !== undefined) await removeIndex(index);
      },
      ...withoutModels,
      cluster: log.cluster,
      openLog: log.open,
      closing: log.closing,
      release: () =>
        closeInOrder(
          () => checkpointer?.close(),
          () => closeSyncs(syncs),
          () => database.close(),
          onRelease,
        ),
    });
    await log.start();
    await start(engine, opened, node);
    return engine;
  } catch (error) {
    await peer?.abort();
    closeAudit();
    await checkpointer?.close();
    await closeSyncs(syncs);
    database.close();
    throw error;
  }
}

/** What syncs the commits of the store's database, and of that of its audit. */
interface Syncs {
  readonly sync: CommitSync | undefined;
  readonly databaseSync: CommitSync | undefined;
}

/** Undefined where every commit is on disk when it ends: the log of a cluster is its durable part, and a store in RAM has no disk. */
async function openSyncs({ database, auditDatabase, folder, options }: Opened, isNode: boolean): Promise<Syncs> {
  if (folder === undefined) return { sync: undefined, databaseSync: undefined };
  const sync = options.readOnly || isNode ? undefined : translated(() => new CommitSync(database));
  try {
    return { sync, databaseSync: auditDatabase.memory ? undefined : translated(() => auditSync(auditDatabase)) };
  } catch (error) {
    await sync?.close();
    throw error;
  }
}

function auditSync(auditDatabase: Database): CommitSync {
  // A database without a log, such as a new one, gets it with the first read.
  auditDatabase.prepare('select count(*) from sqlite_master').get();
  return new CommitSync(auditDatabase);
}

async function closeSyncs({ sync, databaseSync }: Syncs): Promise<void> {
  await closeInOrder(
    () => databaseSync?.close(),
    () => sync?.close(),
  );
}

function warnOfRenamedKeys({ renamedKeys }: StateStore, { logger }: Environment): void {
  if (renamedKeys.length === 0) return;
  const message =
    'The keys of these memories looked the same as the key of a newer memory. Each has got its id as a suffix: "key (id)".';
  logger.warn(message, { ids: renamedKeys });
}

/** Opens the log of a store. */
interface LogOpener {
  readonly open: (target: LogTarget) => ReplicatedLog;
  /** Called when the engine exists. */
  start(): Promise<void>;
  closing(): Promise<void>;
  readonly cluster?: ClusterNode;
}

interface PeerLog extends LogOpener {
  /** Ends the node of a store that could not be opened. */
  abort(): Promise<void>;
}

function localLog(
  { options }: Opened,
  sync: CommitSync | undefined,
  checkpointer: Checkpointer | undefined,
): LogOpener {
  const maxPending = options.limits.pendingWrites;
  return {
    open: ({ apply, lastChange }) =>
      new LocalLog({ apply, position: lastChange, sync, nextTurn, checkpointer, maxPending }),
    start: async () => undefined,
    closing: async () => undefined,
  };
}

async function peerLog(
  { options, environment, onLog = (log) => log }: Opened,
  node: OpenedNode,
  state: StateStore,
  events: EventSource,
): Promise<PeerLog> {
  const { RaftLog } = await import('../../log/raft-log');
  const ending = new AbortController();
  const digests = new RecentDigests(state.logPosition());
  let log: RaftLog | undefined;
  let used: ReplicatedLog | undefined;
  let divergence: DivergenceWatch | undefined;
  const clocks = watchClocks(node, state, environment);
  const { clock } = environment;
  const cluster = clusterOf(node, state, digests, clocks);
  const closing = async () => {
    ending.abort();
    clocks?.close();
    divergence?.close();
    await node.closing?.();
  };
  return {
    open: (target) => {
      const maxPending = options.limits.pendingWrites;
      const ended = ending.signal;
      log = new RaftLog(peerLogDeps(node, target, { state, digests, events, maxPending, clock, clocks, ended }));
      used = onLog(log);
      return used;
    },
    start: async () => {
      await log?.start();
      // The rules that others have declared are known then. Without a majority the node opens with what it has.
      await used?.barrier('linearizable').catch(ignoreMissingQuorum);
      // Before the first write of this node.
      await clocks?.start();
      node.started?.();
      divergence = watchDivergence(node, cluster);
    },
    closing,
    abort: async () => {
      await closing();
      await node.link.close({ handsOver: false });
    },
    cluster,
  };
}

function ignoreMissingQuorum(error: unknown): void {
  if (!MemoryError.is(error) || error.code !== 'NO_QUORUM') throw error;
}

/** Does the work that follows directly after a store is opened. */
async function start(engine: Engine, { options, builtIns: own }: Opened, node: OpenedNode | undefined): Promise<void> {
  engine.vectors.index();
  const isCopy = !options.readOnly && engine.state.meta.get(copyMark) === 1;
  if (isCopy) await declareRestored(engine.writing());
  await eraseAgain(engine, options, isCopy);
  if (options.access !== undefined) await declareRules(engine, options.access, options.accessVersion);
  engine.retention = retentionSweep(engine);
  if (options.readOnly) return;
  engine.eraseAccessNames();
  if (options.snapshots !== undefined) await scheduleSnapshots(engine, options.snapshots);
  if (options.consolidation.length > 0) await scheduleConsolidation(engine, options.consolidation);
  const upgrade = () => upgradeBuiltIn(engine, own, options);
  if (node === undefined) {
    engine.spaces.changed();
    void upgrade();
    return;
  }
  engine.spaces.removeUnusedIndexes();
  engine.erasing.onEnded = async () => {
    const { physicalParts } = await import('../erasure-run');
    await physicalParts(engine, {});
  };
  const upgrading = new LongChore({
    isNeeded: () => isUpgradeDue(engine, own, options),
    run: upgrade,
    elapsedMs: () => node.timing.elapsedMs(),
  });
  engine.chores = keepChores(engine, node, {
    isDue: () =>
      engine.spaces.hasPrevious ||
      upgrading.isDue ||
      engine.consolidation?.isDue === true ||
      engine.retention?.isDue === true,
    run: () => {
      engine.spaces.changed();
      upgrading.start();
      if (engine.consolidation?.isDue) engine.consolidation.start();
      if (engine.retention?.isDue) engine.retention.start();
    },
  });
}

/** Erases what a restored copy has brought back. Most stores have erased nothing, so that the code is loaded here. */
export async function eraseAgain(
  engine: Engine,
  { erased, signal, onProgress }: Pick<Options, 'erased' | 'signal' | 'onProgress'>,
  isCopy: boolean,
): Promise<void> {
  if (erased === undefined && !(isCopy && engine.state.receipts.count > 0)) return;
  const { replayErasures } = await import('../erasure-replay');
  await replayErasures(engine, erased, { signal, onProgress });
}

/** Begins to consolidate memories in the background. Most stores consolidate none, so that the code is loaded here. */
async function scheduleConsolidation(engine: Engine, policies: Options['consolidation']): Promise<void> {
  const { consolidationSchedule } = await import('./background-consolidation');
  engine.consolidation = consolidationSchedule(engine, policies);
}

/** Begins to make snapshots in the background. Most stores make none, so that the code is loaded here. */
async function scheduleSnapshots(engine: Engine, options: NonNullable<Options['snapshots']>): Promise<void> {
  const { to, everyMs, keep, encryptionKey } = options;
  const { makeSnapshot, newestSnapshot } = await import('../snapshots');
  const { SnapshotSchedule } = await import('../snapshot-schedule');
  const calls = new AuditedCalls(engine, new Lifetime(), { actor: root, scope: {} });
  engine.snapshots = new SnapshotSchedule({
    everyMs,
    schedule,
    events: engine.events,
    now: () => engine.environment.clock.now(),
    newest: () => newestSnapshot(engine, to),
    make: ({ signal }) => calls.read('snapshot', () => makeSnapshot(engine, to, { keep, encryptionKey, signal })),
  });
}

/** @throws EMBEDDER_MISMATCH if the store's vectors were made for another embedding space than that of the embedder in the options */
function openEmbedder(
  { options, builtIns: own }: Opened,
  { interning }: StateStore,
  events: EventSource,
): SpaceEmbedder {
  const { current, previous } = own;
  const { embeddings } = memoryShares(options.memoryBytes, 0);
  const caching = (each: Embedder) => batched(each, embeddings);
  const known = [current, ...previous].map(caching);
  const embedder = new SpaceEmbedder(
    [caching(options.embedder ?? current), ...known],
    spacesInUse(interning, own),
    (error) => events.emit('degraded', { part: 'embedder', error }),
  );
  if (options.embedder !== undefined) assertAccepted(embedder, options.embedder);
  return embedder;
}

/** Makes the function that creates a search over the vectors in one space. */
function searchMaker(
  opened: Opened,
  { columns }: ReadModel,
  events: EventSource,
  storeId: string,
): (space: SpaceVectors) => PlannedSearch {
  const { options, environment } = opened;
  return ({ vectors, chunks }) =>
    new PlannedSearch({
      space: chunks.name.bind(chunks),
      source: vectors,
      memoryBytes: memoryShares(options.memoryBytes, columns.bytes).vectors,
      exactUpTo: options.exactUpTo,
      folder: () => indexPath(opened, chunks.space()),
      isPrivate: !options.trustFolder,
      newId: () => Buffer.from(environment.randomBytes(8)).toString('hex'),
      storeId,
      ...events.ofIndex(chunks.isSearched.bind(chunks)),
    });
}

/** The folder for the vector index of a space. Undefined if this process keeps no index on disk. */
function indexPath({ folder, options }: Opened, space: number | undefined): string | undefined {
  return folder === undefined || options.readOnly ? undefined : join(folder, indexFolderOf(space));
}

function startAudit(
  { options, environment, auditDatabase }: Opened,
  state: StateStore,
  storeId: string,
  syncs: Syncs,
): Audit {
  const { readOnly, audit } = options;
  return new Audit({
    database: auditDatabase,
    changes: state.auditLog,
    ...syncs,
    role: readOnly ? 'reader' : 'writer',
    reads: audit.reads,
    origin: audit.origin ?? `multi-agent-memory/${storeId}`,
    key: audit.key,
    environment,
    onCheckpoint: isolated(audit.onCheckpoint),
    state: () => ({ policyVersion: state.policy.version, changeSeq: state.lastChangeSeq }),
  });
}

/** Wraps a listener so that it cannot disturb the store: its errors are thrown in a separate microtask. */
function isolated(listener: ((checkpoint: Checkpoint) => void) | undefined): (checkpoint: Checkpoint) => void {
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

/**
 * Declares the rules that were passed to `open`, if they differ from the rules of the previous `open`. Rules with a lower version than
 * those in force are not declared.
 */
export async function declareRules(
  engine: Pick<Engine, 'state' | 'readOnly' | 'environment' | 'writing'>,
  declarations: readonly Declaration[],
  version: number | undefined,
): Promise<void> {
  const { state, environment, readOnly } = engine;
  const inForce = version === undefined ? undefined : accessVersionOf(state.meta);
  if (version !== undefined && inForce !== undefined && version < inForce) {
    const message = 'The rules passed to open were not used: the store has rules with a higher accessVersion.';
    environment.logger.warn(message, { accessVersion: version, inForce });
    return;
  }
  const differs = differsFrom(state.policy, declarations);
  const isNewVersion = version !== undefined && version !== inForce && !readOnly;
  if (!differs && !isNewVersion) return;
  if (readOnly) {
    const message =
      'expected the rules that are in force, got different rules. A store that is opened with readOnly cannot change rules.';
    throw invalidInput([{ path: ['access'], message }], 'options');
  }
  await declareAtOpen(engine.writing(), { declarations, version }, environment);
}

/** @throws EMBEDDER_MISMATCH if the store's vectors were made for another embedding space than the embedder's */
export function assertAccepted(embedder: SpaceEmbedder, offered: Embedder): void {
  if (embedder.accepts(offered)) return;
  const { model, dimensions } = embedder.space;
  const { space } = offered;
  const message = `The store has vectors made with ${model} (${dimensions} dimensions), which cannot be compared with vectors from the given embedder ${space.model} (${space.dimensions} dimensions). Open the store with ${model}; or open it without an embedder and call reembed to move it to ${space.model}. Without an embedder the store can still read by id, list and search by keyword.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}

/** Adds a cache to an embedder, and puts the texts from concurrent calls into one batch. */
export function batched(embedder: Embedder, cacheBytes: number): CachingEmbedder {
  return batchingEmbedder(embedder, { cacheBytes });
}
