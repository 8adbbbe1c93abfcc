import { noSuchMemory } from '../../access/denials';
import type { ChangeOf, MemoryDraft, NewFact, Stamp, UndoneConsolidation } from '../../domain/command';
import { defined } from '../../domain/defined';
import { invalidInput, MemoryError } from '../../domain/errors';
import { assertRevision } from '../../domain/memory';
import { contentBytes } from '../quota-usage';
import { groupKeyOf, ineligibility } from '../source-eligibility';
import type { MemoryRow } from '../tables/memory-row';
import { type ApplyContext, assertSpace } from './apply-context';
import { assertWithinQuota, countedLabels } from './apply-quota';
import { idTaken, storeDraft } from './apply-remember';
import { loadForChange } from './apply-update';
import { endConsolidation, findConsolidation } from './end-consolidation';
import { revise } from './revise';

// As many as a memory can have.
const maxTags = 64;

type Consolidate = ChangeOf<'consolidate'>;

/**
 * Stores facts in place of their sources, which become 'consolidated'. It checks everything again that the caller's side has checked, because
 * the sources may have changed while the summarizer read them.
 *
 * @returns the ids of the facts
 * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT if a source has changed, INVALID_INPUT, QUOTA_EXCEEDED
 */
export function applyConsolidate(
  context: ApplyContext,
  { sources: given, facts, summarizer }: Consolidate,
  stamp: Stamp,
): string[] {
  const sources = given.map(({ id, revision }) => {
    const record = loadForChange(context, context.records.unchecked(id), id, 'consolidate', stamp);
    assertRevision(record, revision);
    assertEligible(context, record, stamp.at);
    return record;
  });
  assertOneGroup(context, sources);
  const drafts = facts.map((fact) => draftOf(context, fact, sources, summarizer));
  assertFacts(context, facts, sources.length);
  const [first] = sources as [MemoryRow];
  const { author } = first;
  const trust = context.trustOf(first);
  for (const draft of drafts) assertSpace(context, draft.embedded);
  assertFit(context, stamp, drafts, sources);
  const by = context.interning.internActor(stamp.by);
  const isByOne = sources.every((source) => source.author === author);
  const rows = drafts.map(
    (draft) => storeDraft(context, draft, { at: stamp.at, by, author: isByOne ? author : by, trust }).row,
  );
  link(context, facts, sources, rows);
  for (const source of sources) revise(context, source, { columns: { state: 'consolidated' }, at: stamp.at, by });
  return facts.map(({ id }) => id);
}

/**
 * Forgets a fact and what depends on it, and makes the sources active again.
 *
 * @throws NOT_FOUND if the memory is no fact of a consolidation, FORBIDDEN
 */
export function applyUndoConsolidation(context: ApplyContext, id: string, stamp: Stamp): UndoneConsolidation {
  const fact = loadForChange(context, context.records.unchecked(id), id, 'consolidate', stamp);
  if (!context.derivations.ofRow(fact.row).some(({ kind }) => kind === 'consolidated')) {
    const message = `Memory ${id} was not made by a consolidation, so there is nothing to undo.`;
    throw new MemoryError('NOT_FOUND', message);
  }
  const found = findConsolidation(context, { facts: [fact] });
  for (const record of [...found.facts, ...found.sources])
    loadForChange(context, record, record.id, 'consolidate', stamp);
  const ended = endConsolidation(context, { facts: [fact] }, stamp);
  return { facts: ended.facts.map(idOf), sources: ended.sources.map(idOf) };
}

const idOf = ({ id }: MemoryRow) => id;

function assertOneGroup(context: ApplyContext, sources: readonly MemoryRow[]): void {
  const keys = new Set(sources.map((source) => groupKeyOf(source, context.trustOf(source))));
  const ids = new Set(sources.map(idOf));
  if (keys.size === 1 && ids.size === sources.length) return;
  const message =
    'expected different memories with the same namespace, access tags, visibility, userId, kind and trust, got others.';
  throw invalidInput([{ path: ['sources'], message }], 'consolidation');
}

/** @throws REVISION_CONFLICT if the memory cannot be a source any more, INVALID_INPUT if it never could */
function assertEligible(context: ApplyContext, record: MemoryRow, at: number): void {
  const { id, state, expires_at } = record;
  const isExpired = (expires_at !== null && expires_at <= at) || context.retention.isOver(record, at);
  if (state !== 'active' || isExpired) {
    const message = `Memory ${id} is ${state === 'active' ? 'expired' : state} now, so it cannot be consolidated.`;
    throw new MemoryError('REVISION_CONFLICT', message);
  }
  const problem = ineligibility(record, context.trustOf(record), context.derivations);
  if (problem === undefined) return;
  const message = `expected memories that can be consolidated, got ${id}, which cannot (${problem}).`;
  throw invalidInput([{ path: ['sources'], message }], 'consolidation');
}

function assertFacts(context: ApplyContext, facts: readonly NewFact[], sources: number): void {
  const isValid = ({ text, from }: NewFact) =>
    text.trim() !== '' &&
    from.length > 0 &&
    new Set(from).size === from.length &&
    from.every((n) => Number.isInteger(n) && n >= 0 && n < sources);
  if (facts.length === 0 || !facts.every(isValid)) {
    const message = 'expected facts with a text, each from at least one of the sources, got others.';
    throw invalidInput([{ path: ['facts'], message }], 'consolidation');
  }
  for (const [i, { id }] of facts.entries())
    if (context.isStored(id) || facts.findIndex((fact) => fact.id === id) < i) throw idTaken(id);
}

/** A fact is valid since the latest of its sources, and expires with the first of them. */
function draftOf(
  { interning }: ApplyContext,
  { id, text, from, embedded, tokenCount }: NewFact,
  all: readonly MemoryRow[],
  summarizer: string,
): MemoryDraft {
  const quoted = from.flatMap((n) => all[n] ?? []);
  const [first] = all;
  if (first === undefined) throw noSuchMemory(id);
  const { namespace, accessTags } = interning.labelSet(first.label_set);
  const expiries = quoted.flatMap(({ expires_at }) => expires_at ?? []);
  const sessionId = all.every(({ session_id }) => session_id === first.session_id) ? first.session_id : null;
  return {
    id,
    text,
    namespace,
    accessTags,
    visibility: first.owner === 0 ? 'shared' : 'private',
    kind: 'summary',
    tags: [...new Set(quoted.flatMap(({ tags }) => JSON.parse(tags) as string[]))].slice(0, maxTags),
    priority: Math.max(0, ...quoted.map(({ priority }) => priority)),
    metadata: {},
    source: { channel: 'consolidation', ref: summarizer },
    validFrom: Math.max(...quoted.map(({ valid_from }) => valid_from)),
    ...defined({
      expiresAt: expiries.length === 0 ? undefined : Math.min(...expiries),
      userId: first.user_id ?? undefined,
      sessionId: sessionId ?? undefined,
      embedded,
      tokenCount,
    }),
  };
}

/** @throws QUOTA_EXCEEDED if the facts and the revisions of their sources do not fit into the quotas of the actor */
function assertFit(
  context: ApplyContext,
  stamp: Stamp,
  drafts: readonly MemoryDraft[],
  sources: readonly MemoryRow[],
): void {
  if (stamp.quotas === undefined) return;
  const bytes = drafts.reduce((sum, { text }) => sum + contentBytes({ text, metadata: '{}' }), 0);
  const revised = sources.reduce((sum, source) => sum + contentBytes(source), 0);
  const [first] = sources as [MemoryRow];
  const labels = countedLabels(context, first);
  for (const { tags } of drafts)
    assertWithinQuota(context, stamp, { author: stamp.by, after: { ...labels, tags }, bytes: bytes + revised });
}

/** Connects the facts with their sources. A source that no fact quotes is kept with the first fact, so that it can be found again. */
function link(
  { derivations }: ApplyContext,
  facts: readonly NewFact[],
  sources: readonly MemoryRow[],
  rows: readonly number[],
): void {
  const quoted = new Set<number>();
  for (const [i, { from }] of facts.entries()) {
    for (const n of from) {
      quoted.add(n);
      derivations.insert({ row: rows[i] as number, source: (sources[n] as MemoryRow).row, kind: 'consolidated' });
    }
  }
  for (const [n, { row: source }] of sources.entries())
    if (!quoted.has(n)) derivations.insert({ row: rows[0] as number, source, kind: 'omitted' });
}
