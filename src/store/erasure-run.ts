import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { type EntryProof, proveEntry } from '../audit/entry-proof';
import { searchChains } from '../audit/search';
import type { Progress } from '../domain/calls';
import { defined } from '../domain/defined';
import type { ErasurePlan, ErasureSubject } from '../domain/erasure';
import { MemoryError } from '../domain/errors';
import { messageOf } from '../domain/realms';
import { nextTurn, startStopwatch } from '../environment/timers';
import { whileBusy } from '../environment/while-busy';
import { ByteSearch } from '../erasure/byte-search';
import { type Probe, Probes } from '../erasure/probes';
import {
  type ErasedMember,
  type ErasedPart,
  type ErasureProof,
  type ErasureReceipt,
  type ErasureScan,
  signedReceipt,
  type UnsignedReceipt,
} from '../erasure/receipt';
import { scanFolder } from '../erasure/scan-folder';
import { sharedProbes } from '../erasure/shared-probes';
import type { LinkStatus } from '../raft/node/raft-link';
import { fromSqlite } from '../sqlite/sqlite';
import { StoredContents } from '../state/queries/stored-content';
import { host, submit } from '../write/submit';
import type { Engine } from './composition/engine';
import { storeIdOf } from './composition/open-files';
import { assertRoom } from './purge';
import { removeLeftovers } from './snapshots';

/** The parts of the store that an erasure needs. */
export type ErasureDeps = Pick<
  Engine,
  | 'state'
  | 'model'
  | 'audit'
  | 'environment'
  | 'writing'
  | 'vectors'
  | 'spaces'
  | 'rewriteDatabase'
  | 'cluster'
  | 'erasing'
  | 'storeKey'
>;

/** What is erased, after parsing. */
export interface ErasureRequest {
  readonly kind: ErasureReceipt['target'];
  /** Absent for some memories. */
  readonly subject: ErasureSubject | undefined;
  /** The names of the subject, to search for: the user, or the labels of the namespace. */
  readonly names: readonly string[];
  readonly plan: ErasurePlan;
  readonly keepAuthored: boolean;
  readonly reason: string | undefined;
}

export interface ErasureRunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Erasing one memory takes 1.2 to 2.4 ms of processor time, and a command is applied at once. */
const idsPerCommand = 5;
/** Taking the probes of one memory takes 0.4 ms. */
const memoriesPerTurn = 10;
const maxFound = 100;

/**
 * Erases what a plan lists, and makes a receipt. The receipt is kept before the first memory is erased, so that an erasure which is interrupted
 * at any moment can be finished.
 */
export async function runErasure(
  engine: ErasureDeps,
  request: ErasureRequest,
  options: ErasureRunOptions,
): Promise<ErasureReceipt> {
  const { plan } = request;
  const ids = [...plan.about, ...plan.by, ...plan.derived];
  const unfinished = unfinishedReceipt(engine, request);
  const begun = unfinished && engine.state.erasures.byId(unfinished.id);
  const known = new Set(unfinished?.ids);
  if (unfinished !== undefined && begun?.finished !== undefined && ids.every((id) => known.has(id))) {
    probeNames(engine, unfinished.id, request.names);
    return settleErasure(engine, unfinished, options);
  }
  // What came after an erasure that has ended is an erasure of its own.
  const continued = unfinished !== undefined && begun?.finished === undefined ? unfinished : undefined;
  const receipt = continued === undefined ? newReceipt(engine, request) : joined(continued, request);
  await takeProbes(engine, receipt.id, request, options);
  await keepReceipt(engine, { ...receipt, parts: pendingParts(receipt) });
  const erased = await eraseAll(
    engine,
    { id: receipt.id, request, ids: continued === undefined ? ids : receipt.ids },
    options,
  );
  const all = [...new Set([...receipt.ids, ...erased])];
  const derived = receipt.counts.derived + all.length - new Set(receipt.ids).size;
  return settleErasure(engine, { ...receipt, ids: all, counts: { ...receipt.counts, derived } }, options);
}

/** The receipts of a store, in the order in which their erasures began. */
export function receiptsIn({ state }: Pick<Engine, 'state'>): ErasureReceipt[] {
  return state.receipts.all().map((json) => JSON.parse(json) as ErasureReceipt);
}

function unfinishedReceipt(engine: ErasureDeps, { kind, subject, plan }: ErasureRequest): ErasureReceipt | undefined {
  const asked = new Set(plan.about);
  return receiptsIn(engine).find((each) => {
    if (each.complete || each.target !== kind) return false;
    return kind === 'ids' ? each.ids.some((id) => asked.has(id)) : each.subject === subject?.hash;
  });
}

function newReceipt(
  engine: ErasureDeps,
  { kind, subject, plan, keepAuthored, reason }: ErasureRequest,
): UnsignedReceipt {
  const { environment, state } = engine;
  const at = new Date(environment.clock.now()).toISOString();
  const number = state.receipts.count + 1;
  // With fixed randomness, a test gets the same ids in every run, and two erasures still have different ones.
  const hash = createHash('sha256')
    .update(environment.randomBytes(16))
    .update(JSON.stringify([at, number]));
  return {
    format: 1,
    id: `erasure-${hash.digest('hex').slice(0, 16)}`,
    store: storeIdOf(engine.storeKey),
    number,
    target: kind,
    ...(subject === undefined ? {} : { subject: subject.hash }),
    ...(subject?.kind === 'namespace' ? { depth: subject.depth } : {}),
    ...(keepAuthored ? { keepAuthored } : {}),
    ...defined({ reason }),
    at,
    issuedAt: at,
    counts: { about: plan.about.length, by: plan.by.length, derived: plan.derived.length },
    ids: [...plan.about, ...plan.by, ...plan.derived],
    withheld: [],
    mentions: [...plan.mentions],
    parts: [],
    members: [],
  };
}

/** The receipt of an interrupted erasure, with what was added since. */
export function joined(receipt: ErasureReceipt, { plan }: Pick<ErasureRequest, 'plan'>): UnsignedReceipt {
  const known = new Set(receipt.ids);
  const added = (ids: readonly string[]) => ids.filter((id) => !known.has(id));
  const [about, by, derived] = [added(plan.about), added(plan.by), added(plan.derived)];
  return {
    ...unsignedOf(receipt),
    ids: [...receipt.ids, ...about, ...by, ...derived],
    mentions: [...new Set([...receipt.mentions, ...plan.mentions])],
    counts: {
      about: receipt.counts.about + about.length,
      by: receipt.counts.by + by.length,
      derived: receipt.counts.derived + derived.length,
    },
  };
}

export function pendingParts({ target }: Pick<ErasureReceipt, 'target'>): ErasedPart[] {
  const reason = 'The erasure has begun and was not finished. Erase the same again.';
  const parts = target === 'ids' ? (['memories'] as const) : (['memories', 'names'] as const);
  return parts.map((part) => ({ part, state: 'pending', reason }));
}

/** Takes probes of what will be erased. What a hold keeps is still there afterwards, so that it is probed when the hold ends. */
export async function takeProbes(
  engine: ErasureDeps,
  id: string,
  { plan, names }: Pick<ErasureRequest, 'plan' | 'names'>,
  { signal, onProgress }: ErasureRunOptions,
): Promise<void> {
  const held = new Set(plan.held);
  const probed = [...plan.about, ...plan.by, ...plan.derived].filter((each) => !held.has(each));
  const probes = new Probes(probed.length);
  const contents = new StoredContents(engine.state.database);
  const elapsedMs = startStopwatch();
  for (const [i, each] of probed.entries()) {
    const content = contents.ofId(each);
    if (content !== undefined) probes.addMemory(content);
    if (i % memoriesPerTurn !== memoriesPerTurn - 1) continue;
    signal?.throwIfAborted();
    onProgress?.({
      phase: 'probe',
      done: i + 1,
      failed: 0,
      total: probed.length,
      perSecond: ((i + 1) / elapsedMs()) * 1000,
    });
    await nextTurn();
  }
  if (held.size === 0) for (const name of names) probes.addName(name);
  engine.erasing.probes.set(id, probes);
}

/** After a restart, the names of the subject are all that can be searched for. */
function probeNames({ erasing }: ErasureDeps, id: string, names: readonly string[]): void {
  if (erasing.probes.has(id)) return;
  const probes = new Probes(0, 'partial');
  for (const name of names) probes.addName(name);
  erasing.probes.set(id, probes);
}

/** Takes probes of what legal holds keep for erasures, before one of them ends. */
export function probeWithheld({ state, erasing }: ErasureDeps): void {
  const contents = new StoredContents(state.database);
  const awaited = state.erasures.awaited();
  for (const { row, erasure } of awaited) {
    let probes = erasing.probes.get(erasure);
    if (probes === undefined) {
      probes = new Probes(awaited.length, 'partial');
      erasing.probes.set(erasure, probes);
    }
    probes.addMemory(contents.withheldOf(row));
  }
}

/** The erasures whose receipts are not complete although nothing waits for a hold any more. */
export function settledBy({ state }: Pick<Engine, 'state'>): ErasureReceipt[] {
  return receiptsIn({ state }).filter(({ id, complete }) => {
    const erasure = complete ? undefined : state.erasures.byId(id);
    return erasure !== undefined && state.erasures.stateOf(erasure) === 'complete';
  });
}

export async function eraseAll(
  engine: ErasureDeps,
  {
    id,
    request: { subject, reason },
    ids,
  }: {
    readonly id: string;
    readonly request: Pick<ErasureRequest, 'subject' | 'reason'>;
    readonly ids: readonly string[];
  },
  { signal, onProgress }: ErasureRunOptions,
): Promise<string[]> {
  const context = engine.writing();
  const erased: string[] = [];
  const elapsedMs = startStopwatch();
  // An erasure that finds no memory also removes names.
  for (let done = 0; done === 0 || done < ids.length; done += idsPerCommand) {
    signal?.throwIfAborted();
    const some = ids.slice(done, done + idsPerCommand);
    const outcome = await submit(context, host, {
      type: 'erase',
      erasure: id,
      ids: some,
      ...defined({ subject, reason }),
    });
    erased.push(...outcome.erased);
    const count = Math.min(done + idsPerCommand, ids.length);
    onProgress?.({
      phase: 'erase',
      done: count,
      failed: 0,
      total: ids.length,
      perSecond: (count / elapsedMs()) * 1000,
    });
    await nextTurn();
  }
  return erased;
}

/** Removes from disk what was erased, searches every file for it, and keeps a new receipt. */
export async function settleErasure(
  engine: ErasureDeps,
  receipt: UnsignedReceipt,
  options: ErasureRunOptions,
): Promise<ErasureReceipt> {
  const namesStay = await endErasure(engine, receipt.id);
  return renewedReceipt(engine, { receipt, namesStay, parts: await physicalParts(engine, options) }, options);
}

/**
 * Removes the names of the subject, also those that other memories used until now.
 *
 * @returns why names stay. Undefined if none do, or if a legal hold keeps them.
 */
export async function endErasure(engine: ErasureDeps, erasure: string): Promise<string | undefined> {
  const { inUse } = await submit(engine.writing(), host, { type: 'finish-erasure', erasure });
  const entry = engine.cluster?.link.status().applied;
  if (entry !== undefined && !engine.erasing.entries.has(erasure)) engine.erasing.entries.set(erasure, entry);
  if (inUse === 0) return undefined;
  return `${inUse} namespaces or sets of access tags name the subject, and other memories use them. Share these memories elsewhere or erase them. Then erase the same again.`;
}

interface SettledErasure {
  readonly receipt: UnsignedReceipt;
  /** Why names of the subject stay, apart from a legal hold. */
  readonly namesStay: string | undefined;
  /** See `physicalParts`. */
  readonly parts: readonly ErasedPart[];
}

/** Searches every file for what was erased, and keeps a new receipt. */
export async function renewedReceipt(
  engine: ErasureDeps,
  { receipt, namesStay, parts }: SettledErasure,
  options: ErasureRunOptions,
): Promise<ErasureReceipt> {
  const { state, environment, erasing } = engine;
  const scan = await scanned(engine, receipt.id, options);
  const namesWait = state.erasures.byId(receipt.id)?.namesWait === true;
  const withheld = state.erasures.awaited(receipt.id).map(({ id }) => ({ id, reason: 'legal-hold' as const }));
  const ids = [...new Set([...receipt.ids, ...withheld.map(({ id }) => id)])];
  const audit = await proofOf(engine, ids, options.signal);
  const { scan: _, audit: __, ...rest } = unsignedOf(receipt);
  const unsigned: UnsignedReceipt = {
    ...rest,
    issuedAt: new Date(environment.clock.now()).toISOString(),
    ids,
    withheld,
    parts: [...logicalParts(receipt, { withheld: withheld.length, namesWait, namesStay }), ...parts],
    members: await membersOf(engine, receipt.id),
    ...defined({ scan, audit }),
  };
  const kept = await keepReceipt(engine, unsigned);
  if (kept.complete) {
    erasing.probes.delete(kept.id);
    erasing.entries.delete(kept.id);
  }
  return kept;
}

function unsignedOf(receipt: UnsignedReceipt): UnsignedReceipt {
  const { complete: _, seal: __, signature: ___, ...rest } = receipt as Partial<ErasureReceipt> & UnsignedReceipt;
  return rest;
}

/** Signs a receipt and stores it. */
export async function keepReceipt(engine: ErasureDeps, receipt: UnsignedReceipt): Promise<ErasureReceipt> {
  const signed = signedReceipt(receipt, { storeKey: engine.storeKey, key: engine.audit.signingKey });
  await submit(engine.writing(), host, { type: 'keep-receipt', erasure: signed.id, receipt: JSON.stringify(signed) });
  return signed;
}

function logicalParts(
  { target }: Pick<ErasureReceipt, 'target'>,
  {
    withheld,
    namesWait,
    namesStay,
  }: { readonly withheld: number; readonly namesWait: boolean; readonly namesStay: string | undefined },
): ErasedPart[] {
  const held = 'A legal hold concerns a part of it. The end of the hold erases that part.';
  const part = (name: ErasedPart['part'], reason: string | undefined): ErasedPart =>
    reason === undefined ? { part: name, state: 'gone' } : { part: name, state: 'pending', reason };
  const memories = part('memories', withheld > 0 ? held : undefined);
  return target === 'ids' ? [memories] : [memories, part('names', namesWait ? held : namesStay)];
}

/** Writes the files again that may still contain what was erased. What cannot be done now is pending, with its reason. */
export async function physicalParts(
  engine: ErasureDeps,
  { signal, onProgress }: ErasureRunOptions,
): Promise<ErasedPart[]> {
  const copies: ErasedPart = {
    part: 'copies',
    state: 'unsupported',
    reason:
      'Backups, snapshots and exports outside the folder stay as they are. Delete them, or pass this receipt to `open` as `erased` when you restore one.',
  };
  const { database } = engine.state;
  if (database.memory) return [{ part: 'database', state: 'gone' }, { part: 'index', state: 'gone' }, copies];
  const folder = dirname(database.name);
  const report = (phase: string, done: number) => onProgress?.({ phase, done, failed: 0, total: 2, perSecond: 0 });
  report('purge', 0);
  const index = await partOf('index', async () => {
    removeLeftovers(folder);
    await engine.spaces.removeIdleIndexes();
    await engine.vectors.purge();
    return undefined;
  });
  signal?.throwIfAborted();
  report('purge', 1);
  const rewritten = await partOf('database', async () => {
    await assertRoom(folder, database);
    const { busy } = await engine.rewriteDatabase();
    const isAuditBusy = await whileBusy(() => engine.audit.emptyLog());
    if (!busy && !isAuditBusy) return undefined;
    return 'A reader uses an earlier state of the database. The store tries again until the reader has ended. Then erase the same again.';
  });
  signal?.throwIfAborted();
  report('purge', 2);
  return [rewritten, index, copies];
}

/** Runs what makes a part gone. It returns or throws the reason why the part is pending. */
async function partOf(part: ErasedPart['part'], run: () => Promise<string | undefined>): Promise<ErasedPart> {
  try {
    const reason = await run();
    return reason === undefined ? { part, state: 'gone' } : { part, state: 'pending', reason };
  } catch (thrown) {
    const error = fromSqlite(thrown);
    if (MemoryError.is(error) && error.code === 'STORE_CLOSED') throw error;
    return { part, state: 'pending', reason: `${messageOf(error)} Then erase the same again.` };
  }
}

/** How far a member must be: it has applied every entry up to this one, and its log begins after it. */
async function membersOf({ cluster, erasing }: ErasureDeps, erasure: string): Promise<ErasedMember[]> {
  if (cluster === undefined) return [];
  const { link } = cluster;
  const own = link.status();
  const index = erasing.entries.get(erasure) ?? own.applied;
  erasing.entries.set(erasure, index);
  const ids = Object.keys(cluster.membership()?.addresses ?? {})
    .map(Number)
    .sort((a, b) => a - b);
  return Promise.all(
    ids.map(async (id): Promise<ErasedMember> => {
      const status = id === own.id ? own : await link.statusOf(id).catch(() => undefined);
      const reason = memberReason(status, index);
      return reason === undefined ? { id, state: 'gone' } : { id, state: 'pending', reason };
    }),
  );
}

function memberReason(status: LinkStatus | undefined, index: number): string | undefined {
  const again = 'Then erase the same again.';
  if (status === undefined) return `It did not answer. ${again}`;
  if (status.applied < index) return `It has not applied the erasure yet. ${again}`;
  if (status.firstIndex > index) return undefined;
  return `Its log keeps entries until a snapshot of the state replaces them, for at most twice \`snapshotEveryMs\`. ${again}`;
}

async function scanned(engine: ErasureDeps, id: string, options: ErasureRunOptions): Promise<ErasureScan | undefined> {
  const { state, erasing } = engine;
  const probes = erasing.probes.get(id);
  if (state.database.memory || probes === undefined) return undefined;
  const all = probes.all;
  const search = new ByteSearch(all.map(({ bytes }) => bytes));
  const { files, bytes, found } = await scanFolder(dirname(state.database.name), search, options);
  const hits = [...found].map(([i, place]) => ({ probe: all[i] as Probe, place }));
  const contents = new StoredContents(state.database);
  const shared = await sharedProbes(
    contents,
    hits.map(({ probe }) => probe),
    hits.length === 0 ? [] : contents.names(),
    options.signal,
  );
  const left = hits.filter((_, i) => !shared.has(i));
  return {
    files,
    bytes,
    probes: all.length,
    shared: shared.size,
    basis: probes.basis,
    found: left.slice(0, maxFound).map(({ probe, place }) => ({ ...place, field: probe.field })),
  };
}

const erasingActions: ReadonlySet<string> = new Set(['erase', 'finish-erasure', 'release-hold']);

/** Proves that the audit records the erasure of these memories. */
async function proofOf(
  { audit }: ErasureDeps,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ErasureProof | undefined> {
  const checkpoint = (await whileBusy(() => audit.checkpoint())).find(({ chain }) => chain === 'changes');
  if (checkpoint === undefined) return undefined;
  const { chain } = audit.logs.changes;
  const search = { ids, actions: erasingActions, decision: 'allowed', order: 'oldest' } as const;
  const range = { after: { changes: 0, access: 0 }, upTo: { changes: checkpoint.size, access: 0 } };
  const entries: EntryProof[] = [];
  const between = async () => {
    signal?.throwIfAborted();
    await nextTurn();
  };
  for await (const { entry } of searchChains(audit.logs, search, range, between)) {
    const proof = proveEntry(chain, entry.seq, checkpoint.size);
    if (proof !== undefined) entries.push(proof);
    await between();
  }
  return { checkpoint: checkpoint.note, entries };
}
