import { mayChange } from '../../access/authorise';
import { forbiddenByTrust, outsideScope, rightsFor } from '../../access/denials';
import { assertMayWrite } from '../../access/may-write';
import type { MemoryDraft, Stamp } from '../../domain/command';
import { defined } from '../../domain/defined';
import { MemoryError } from '../../domain/errors';
import type { RememberResult } from '../../domain/memory';
import type { Actor } from '../../domain/principal';
import { isInScope, scopedFieldsOf } from '../../domain/scope';
import { type TrustLevel, trustLevelOf } from '../../domain/trust';
import { contentBytes } from '../quota-usage';
import { contentColumns, type MemoryRow, memoryLabelsOf, scopedFieldsOfRow } from '../tables/memory-row';
import { type ApplyContext, assertSpace, insertVectors, stampChange } from './apply-context';
import { assertWithinQuota, countedLabels } from './apply-quota';
import { forgetRetired } from './apply-retire';
import { isMoreTrusted, keepContributor, loadPermitted, loadReadable } from './apply-update';
import { endConsolidation, isConsolidated } from './end-consolidation';
import { revise } from './revise';
import { lower, storedTrust, untrusted } from './trust';

/** Stores a draft as a new memory, or revises the memory that has the draft's key. Makes all checks before the first write. */
export function applyRemember(context: ApplyContext, draft: MemoryDraft, stamp: Stamp): RememberResult {
  const { interning, policy } = context;
  const { at, by: actor } = stamp;
  assertMayWrite(policy, { actor, scope: stamp.scope }, 'The memory', scopedFieldsOf(actor, draft), draft);
  const duplicate = findDuplicate(context, draft, interning.findActor(actor));
  if (duplicate !== undefined) {
    const first = context.records.uncheckedOrTombstone(duplicate.id);
    const isIntact = first !== undefined && context.rowChecksum.isIntact(first);
    context.touch(duplicate.id, isIntact ? interning.labelSet(first.label_set).namespace : undefined);
    return duplicate;
  }
  assertSpace(context, draft.embedded);

  const sources = (draft.derivedFrom ?? []).map((id) => loadReadable(context, id, stamp));
  const trust = writtenTrust(context, draft, actor, sources);
  const withKey = findKeyed(context, draft, interning.findActor(actor));
  const isOver = withKey !== undefined && context.retention.isOver(withKey, at);
  const found = isOver ? undefined : withKey;
  // As for any other text: if a verdict counted, a writer would get the id of a memory that it may not see.
  const trustOfWriter = writtenTrust(context, { ...draft, maxTrust: 'verified' }, actor, sources);
  const displaced = found !== undefined && losesKey(context, found, actor, trustOfWriter) ? found : undefined;
  const keyed = displaced === undefined ? found : undefined;
  if (keyed !== undefined && !mayChange(policy, actor, 'update', memoryLabelsOf(context, keyed)))
    throw forbiddenRevision(draft);
  if (keyed !== undefined && isMoreTrusted(context, keyed, actor)) {
    throw forbiddenByTrust(`the memory with the key ${JSON.stringify(draft.key)}`, 'update', draft.namespace);
  }
  if (keyed !== undefined && !isInScope(stamp.scope, scopedFieldsOfRow(context, keyed))) {
    throw outsideScope(`The memory with the key ${JSON.stringify(draft.key)}`);
  }
  const named = draft.supersedes === undefined ? undefined : supersedable(context, draft.supersedes, stamp);
  // What is more trusted than its writer, or than the new memory, is not replaced. The new memory stands beside it.
  const isDisputed =
    named !== undefined && (isMoreTrusted(context, named, actor) || wouldVanish(context, named, draft));
  const revised = keyed !== undefined && wouldVanish(context, keyed, draft) ? undefined : keyed;
  const target = isDisputed ? undefined : named;
  if (target !== undefined && target.row === keyed?.row) throw supersedesItself(target.id);
  if (revised === undefined && context.isStored(draft.id)) throw idTaken(draft.id);
  assertDraftFits(context, stamp, draft, { keyed: revised, target });
  const by = interning.internActor(actor);
  // A new memory begins: one that nobody finds any more is not revised.
  if (isOver) forgetRetired(context, [withKey], stamp);
  if (displaced !== undefined) revise(context, displaced, { columns: { key: null }, at, by });
  const record =
    revised === undefined
      ? storeDraft(context, keyed === undefined ? draft : withoutKey(draft), { at, by, trust })
      : reviseByKey(context, revised, draft, { at, by, trust });
  for (const { row: source } of sources) {
    if (source !== record.row) context.derivations.insert({ row: record.row, source, kind: 'derived' });
  }
  if (target !== undefined) {
    const validTo = target.valid_to === null ? draft.validFrom : Math.min(target.valid_to, draft.validFrom);
    if (isConsolidated(target)) endConsolidation(context, { changed: [target] }, stamp, new Set([target.row]));
    revise(context, target, { columns: { state: 'superseded', superseded_by: record.id, valid_to: validTo }, at, by });
  }
  if (draft.idempotency !== undefined) {
    const { key, digest } = draft.idempotency;
    context.writer.insertIdempotency({ author: by, key, digest, id: record.id, revision: record.revision });
  }
  const outcome = isDisputed || revised !== keyed ? 'disputed' : revised === undefined ? 'stored' : 'revised';
  return { id: record.id, revision: record.revision, outcome };
}

/**
 * Looks up the result of the first call with this idempotency key, even if its memory has been forgotten since then.
 *
 * @throws IDEMPOTENCY_CONFLICT if the first call had other content
 */
export function findDuplicate(
  context: Pick<ApplyContext, 'findIdempotent'>,
  { idempotency }: Pick<MemoryDraft, 'idempotency'>,
  author: number | undefined,
): RememberResult | undefined {
  if (idempotency === undefined || author === undefined) return undefined;
  const { key, digest, earlierKeys = [], earlierDigests = [] } = idempotency;
  let first = context.findIdempotent(author, key);
  for (const earlier of earlierKeys) first ??= context.findIdempotent(author, earlier);
  if (first === undefined) return undefined;
  if (first.digest === digest || earlierDigests.includes(first.digest))
    return { id: first.id, revision: first.revision, outcome: 'duplicate' };
  const message = 'The idempotency key was used before with other content. Use a new key for a new memory.';
  throw new MemoryError('IDEMPOTENCY_CONFLICT', message);
}

/** Looks up the memory that has the draft's key and labels. */
function findKeyed(
  { interning, records }: ApplyContext,
  draft: MemoryDraft,
  author: number | undefined,
): MemoryRow | undefined {
  const scope = interning.findLabelSet(draft.namespace, draft.accessTags);
  const owner = draft.visibility === 'private' ? author : 0;
  if (draft.key === undefined || scope === undefined || owner === undefined) return undefined;
  return records.byKey(scope, owner, draft.key);
}

/**
 * Whether a memory with the key of a new one gives it up: if it is untrusted, and the new one is trusted. Otherwise a distrusted agent could
 * occupy the keys of others, whose memories would vanish, and its outcome would show that there is a memory which nobody may see. The
 * writers of a contained memory do not take its key: what they write there stays in quarantine.
 */
export function losesKey(context: ApplyContext, found: MemoryRow, actor: Actor, trust: TrustLevel): boolean {
  if (trust === untrusted || context.trustOf(found) !== untrusted) return false;
  const by = context.interning.findActor(actor);
  const others = context.contributors.ofRow(found.row);
  return found.author === by ? others.length > 0 : by === undefined || !others.includes(by);
}

/**
 * Whether a memory would vanish from ordinary reads because of a draft in its place that nobody is to read, such as one in which a screener
 * has found an instruction.
 */
function wouldVanish(context: ApplyContext, found: MemoryRow, { maxTrust }: MemoryDraft): boolean {
  return maxTrust === 'untrusted' && context.trustOf(found) !== untrusted;
}

function withoutKey({ key: _, ...draft }: MemoryDraft): MemoryDraft {
  return draft;
}

/** The highest trust of what an actor writes: that of the actor, of the channel, of everything from which it was made, and what it says. */
function writtenTrust(
  { policy, trustOf }: ApplyContext,
  { namespace, source, maxTrust = 'verified' }: MemoryDraft,
  actor: Actor,
  sources: readonly MemoryRow[],
): TrustLevel {
  const ceiling = lower(policy.ceilingOf(actor, namespace), policy.channelCeiling(source.channel, namespace));
  return sources.reduce((lowest, each) => lower(lowest, trustOf(each)), lower(ceiling, trustLevelOf(maxTrust)));
}

/** When and by whom a new memory is written. */
export interface NewRecord {
  readonly at: number;
  readonly by: number;
  /** Default: `by`. */
  readonly author?: number;
  /** The highest trust that the memory can have. Default: what the ceilings allow. */
  readonly trust?: number;
}

/** Stores a draft as a new memory. */
export function storeDraft(
  context: ApplyContext,
  draft: MemoryDraft,
  { at, by, author = by, trust = Number.POSITIVE_INFINITY }: NewRecord,
): MemoryRow {
  const { writer, policy, interning } = context;
  const row = context.nextRow();
  const tokens = context.analyze(draft.text);
  const { space, chunks } = insertVectors(context, row, draft.embedded);
  const content = contentColumns(draft);
  // Lists the columns instead of copying objects: V8 stores the result of copies as a hash table, which takes ten times the memory.
  const record: MemoryRow = {
    row,
    id: draft.id,
    revision: 1,
    state: 'active',
    label_set: context.interning.internLabelSet(draft.namespace, draft.accessTags),
    owner: draft.visibility === 'private' ? author : 0,
    author,
    kind: content.kind,
    user_id: draft.userId ?? null,
    session_id: draft.sessionId ?? null,
    key: draft.key ?? null,
    priority: content.priority,
    tags: content.tags,
    metadata: content.metadata,
    source_channel: draft.source.channel,
    source_ref: draft.source.ref ?? null,
    created_at: at,
    updated_at: at,
    valid_from: content.valid_from,
    valid_to: content.valid_to,
    expires_at: content.expires_at,
    supersedes: draft.supersedes ?? null,
    superseded_by: null,
    space,
    chunks,
    length: draft.tokenCount ?? tokens.length,
    first_change_seq: 0,
    change_seq: 0,
    checksum: '',
    trust: Math.min(
      trust,
      policy.ceilingOf(interning.actor(by), draft.namespace),
      policy.channelCeiling(draft.source.channel, draft.namespace),
    ),
    pinned: content.pinned,
    text: content.text,
  };
  const stamped = stampChange(context, record, { type: 'stored', at, by, tokens, reindex: true });
  writer.insertRecord(stamped);
  context.words.insert(row, tokens);
  writer.insertTags(row, draft.tags);
  context.usage()?.written(undefined, stamped, by);
  context.storedCounts()?.changed(undefined, stamped);
  return stamped;
}

function reviseByKey(
  context: ApplyContext,
  keyed: MemoryRow,
  draft: MemoryDraft,
  { at, by, trust: written }: { readonly at: number; readonly by: number; readonly trust: TrustLevel },
): MemoryRow {
  // A search for everything about a user must also find memories that were once about that user.
  if (keyed.user_id !== null && keyed.user_id !== draft.userId) {
    context.writer.insertFormerSubject({ user_id: keyed.user_id, row: keyed.row });
  }
  // A write with the key of a superseded memory makes that memory active again. Nobody writes its memory out of quarantine.
  const state = keyed.state === 'quarantined' ? keyed.state : ('active' as const);
  const trust = lower(storedTrust(context.interning, keyed), written);
  const columns = { ...draftColumns(draft), state, superseded_by: null, trust };
  keepContributor(context, keyed, by);
  context.endorsements.deleteOfRow(keyed.row);
  const { embedded = null, tokenCount } = draft;
  return revise(context, keyed, { columns, embedded, ...defined({ tokenCount }), at, by });
}

/** @throws QUOTA_EXCEEDED if the new revision, and that of the memory which it supersedes, do not fit into the quotas */
function assertDraftFits(
  context: ApplyContext,
  stamp: Stamp,
  draft: MemoryDraft,
  { keyed, target }: { readonly keyed: MemoryRow | undefined; readonly target: MemoryRow | undefined },
): void {
  if (stamp.quotas === undefined) return;
  const { interning } = context;
  assertWithinQuota(context, stamp, {
    author: keyed === undefined ? stamp.by : interning.actor(keyed.author),
    ...defined({ before: keyed && countedLabels(context, keyed) }),
    after: { namespaceId: interning.findNamespace(draft.namespace), tags: draft.tags },
    bytes: contentBytes(contentColumns(draft)) + (target === undefined ? 0 : contentBytes(target)),
  });
}

function draftColumns(draft: MemoryDraft) {
  return {
    ...contentColumns(draft),
    user_id: draft.userId ?? null,
    session_id: draft.sessionId ?? null,
    source_channel: draft.source.channel,
    source_ref: draft.source.ref ?? null,
    supersedes: draft.supersedes ?? null,
  };
}

function supersedable(context: ApplyContext, id: string, stamp: Stamp): MemoryRow {
  const target = loadPermitted(context, context.records.unchecked(id), id, 'update', stamp);
  if (target.state === 'superseded') {
    throw new MemoryError(
      'REVISION_CONFLICT',
      `Memory ${id} was already superseded. Read it again, then supersede the memory that replaced it.`,
    );
  }
  return target;
}

function forbiddenRevision({ key, namespace }: MemoryDraft): MemoryError {
  const what = `revise the memory with the key ${JSON.stringify(key)}`;
  return new MemoryError('FORBIDDEN', `Not allowed to ${what}: requires ${rightsFor('update', namespace)}.`);
}

/** Makes the error for a new memory whose id another one has, or had. */
export function idTaken(id: string): MemoryError {
  const issue = {
    path: ['newId'],
    message: `expected a new id, got ${id}, which an earlier memory has. Ids must never repeat.`,
  };
  return new MemoryError(
    'INVALID_INPUT',
    `Invalid newId: expected a new id, got ${id}, which an earlier memory has. Ids must never repeat.`,
    { issues: [issue] },
  );
}

function supersedesItself(id: string): MemoryError {
  const issue = {
    path: ['supersedes'],
    message: 'expected another memory, got the one with this key. To revise it, leave out `supersedes`.',
  };
  return new MemoryError(
    'INVALID_INPUT',
    `Invalid supersedes: memory ${id} cannot supersede itself. To revise it by its key, leave out \`supersedes\`.`,
    { issues: [issue] },
  );
}
