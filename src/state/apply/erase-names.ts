import { createHash } from 'node:crypto';
import { type Declaration, isCeiling, isClearance, isGroup, type StoredDeclaration } from '../../domain/declaration';
import type { ErasureSubject } from '../../domain/erasure';
import { MemoryError } from '../../domain/errors';
import type { Namespace } from '../../domain/namespace';
import type { Actor } from '../../domain/principal';
import type { Member } from '../../domain/rule';
import { SubjectNames } from '../tables/erased-subject';
import type { RenamedNames } from '../tables/interning';
import { storeKeyOf } from '../tables/store-key';
import type { ApplyContext } from './apply-context';
import { isHeld } from './apply-hold';

/** What happened to the names of a subject. */
export interface ErasedNames {
  /** Whether a name stays until a legal hold ends: of an author or a namespace of a held memory, or in the hold itself. */
  readonly wait: boolean;
  /** The number of namespaces and sets of access tags that name the subject, and stay because they have other memories. */
  readonly inUse: number;
}

/**
 * Removes the name of an erasure's subject from everything that is no memory: from the names of authors and namespaces, rules, groups,
 * ceilings, ended holds, idempotent calls, and the audit. What has to stay as a number gets a pseudonym.
 */
export function eraseNames(context: ApplyContext, subject: ErasureSubject, erasure: string, at: number): ErasedNames {
  const { names: tables, interning } = context;
  const names = new SubjectNames(storeKeyOf(context) ?? new Uint8Array(), subject);
  const pseudonym = freePseudonym(interning, erasure);
  const { inUse, ...found } = findNames(context, names, { subject, pseudonym });
  const needed = neededByHolds(context, found);
  // The ceiling of a user counts for everything that it has written, so all of them get the pseudonym together.
  const renamed: RenamedNames = {
    actors: needed.actors ? [] : found.actors,
    namespaces: needed.labels ? [] : found.namespaces,
    labelSets: needed.labels ? [] : found.labelSets,
  };
  tables.deleteIdempotency(renamed.actors.map(({ id }) => id));
  tables.reseal(renamed, () => interning.rename(renamed));
  tables.deleteFormerSubjects((userId) => names.isUser(userId));
  const areLabelsGone = inUse === 0 && !needed.labels;
  const hasName = (namespace: Namespace) =>
    areLabelsGone && (names.isWithin(namespace) || namespace.some((label) => names.isUser(label)));
  tables.deleteAuditNames({ isUser: (userId) => names.isUser(userId), hasName });
  if (!needed.actors) context.convertPolicy((stored) => withoutSubject(stored, { names, pseudonym, hasName, at }));
  const isInHold = context.holds.eraseSubject(names);
  return { wait: isInHold || needed.labels || needed.actors, inUse };
}

/** A name that stands for nobody. It differs from those of an earlier end of the same erasure, after which the user may have returned. */
function freePseudonym(interning: ApplyContext['interning'], erasure: string): string {
  const base = `erased-${createHash('sha256').update(erasure).digest('hex').slice(0, 16)}`;
  const taken = new Set([
    ...interning
      .actors()
      .flatMap(({ actor: { party, onBehalfOf } }) => [party === 'root' ? '' : party.id, onBehalfOf?.id]),
    ...interning.namespaces().map(({ path }) => path.at(-1)),
    ...interning.labelSets().flatMap(({ accessTags }) => accessTags),
  ]);
  let free = base;
  for (let n = 2; taken.has(free); n++) free = `${base}-${n}`;
  return free;
}

interface Pseudonymising {
  readonly subject: ErasureSubject;
  readonly pseudonym: string;
}

/** The names that stand for the subject, with what takes their place. */
function findNames(
  { interning, names: tables }: ApplyContext,
  names: SubjectNames,
  { subject, pseudonym }: Pseudonymising,
): RenamedNames & { readonly inUse: number } {
  const isUser = subject.kind === 'user';
  const all = interning.namespaces();
  const paths = new Map(all.map(({ id, path }) => [id, path]));
  const named = all.filter(({ path }) =>
    isUser ? names.isUser(path.at(-1) as string) : path.length > 0 && names.isWithin(path),
  );
  const isTag = (tag: string) => names.isUser(tag);
  const labelSets = interning.labelSets().filter(({ namespaceId, accessTags }) => {
    const path = paths.get(namespaceId) ?? [];
    return isUser ? path.some(isTag) || accessTags.some(isTag) : path.length > 0 && names.isWithin(path);
  });
  const used = tables.labelSetsInUse(labelSets.map(({ id }) => id));
  const isUsed = (namespaceId: number) =>
    labelSets.some((each) => used.has(each.id) && interning.isWithin(each.namespaceId, namespaceId));
  const free = named.filter(({ id }) => !isUsed(id));
  const tagged = labelSets.filter(({ accessTags }) => (isUser ? accessTags.some(isTag) : accessTags.length > 0));
  return {
    actors: interning
      .actors()
      .flatMap(({ id, actor }) => (names.isActor(actor) ? { id, actor: withPseudonym(actor, names, pseudonym) } : [])),
    namespaces: free.map(({ id }) => ({ id, label: isUser ? pseudonym : `${pseudonym}-${id}` })),
    labelSets: tagged
      .filter(({ id }) => !used.has(id))
      .map(({ id, accessTags }) => ({
        id,
        accessTags: isUser ? accessTags.map((tag) => (isTag(tag) ? pseudonym : tag)) : [`${pseudonym}-${id}`],
      })),
    inUse: named.length - free.length + tagged.filter(({ id }) => used.has(id)).length,
  };
}

function withPseudonym({ party, onBehalfOf }: Actor, names: SubjectNames, pseudonym: string): Actor {
  const isParty = party !== 'root' && party.kind === 'user' && names.isUser(party.id);
  const isSubject = onBehalfOf !== undefined && names.isUser(onBehalfOf.id);
  return {
    party: isParty ? { ...party, id: pseudonym } : party,
    ...(onBehalfOf === undefined ? {} : { onBehalfOf: isSubject ? { ...onBehalfOf, id: pseudonym } : onBehalfOf }),
  };
}

/** The names that held memories need: what a hold concerns loses nothing, so neither its author nor its labels. */
function neededByHolds(
  context: ApplyContext,
  found: RenamedNames,
): { readonly actors: boolean; readonly labels: boolean } {
  const { holds, names: tables, records, contributors, interning } = context;
  if (holds.inForce.length === 0) return { actors: false, labels: false };
  const actors = new Set(found.actors.map(({ id }) => id));
  const namespaces = new Set(found.namespaces.map(({ id }) => id));
  const tagged = new Set(found.labelSets.map(({ id }) => id));
  const labelSets = interning
    .labelSets()
    .filter(
      ({ id, namespaceId }) => tagged.has(id) || [...namespaces].some((each) => interning.isWithin(namespaceId, each)),
    )
    .map(({ id }) => id);
  const isLabelled = new Set(labelSets);
  const needed = { actors: false, labels: false };
  for (const row of holds.withheldRows(0, Number.MAX_SAFE_INTEGER)) {
    const revisions = intactRevisions(context, row);
    // A damaged revision may need each of the names.
    if (revisions === undefined) return { actors: true, labels: true };
    for (const { author, owner, label_set } of revisions) {
      needed.actors ||= actors.has(author) || actors.has(owner);
      needed.labels ||= isLabelled.has(label_set);
    }
  }
  const isRowHeld = (row: number) => {
    const record = records.uncheckedByRow(row);
    return record !== undefined && isHeld(context, record);
  };
  needed.actors ||= [...actors].some((id) => [...tables.rowsByActor(id), ...contributors.byActor(id)].some(isRowHeld));
  needed.labels ||= tables.rowsOnceLabelled(labelSets).some(isRowHeld);
  return needed;
}

function intactRevisions({ holds }: ApplyContext, row: number) {
  try {
    return holds.revisionsOf(row);
  } catch (error) {
    if (MemoryError.is(error) && error.code === 'RECORD_DAMAGED') return undefined;
    throw error;
  }
}

interface ErasedPolicyNames {
  readonly names: SubjectNames;
  readonly pseudonym: string;
  hasName(namespace: Namespace): boolean;
  readonly at: number;
}

/**
 * Puts the pseudonym in the place of the subject in a declaration. A rule or a clearance for the subject alone ends, and so does what is
 * declared for an erased namespace. A ceiling stays in force under the pseudonym: without it, what the subject has written and others still
 * need would be trusted more.
 */
function withoutSubject(stored: StoredDeclaration, erased: ErasedPolicyNames): StoredDeclaration {
  const { names, pseudonym, hasName, at } = erased;
  const member = <T>(value: T): T =>
    isUserMember(value) && names.isUser(value.userId) ? ({ userId: pseudonym } as T) : value;
  const { declaration, until = at } = stored;
  if (isGroup(declaration)) {
    const members = declaration.members.map(member);
    const isSame = members.every((each, i) => each === declaration.members[i]);
    return isSame ? stored : { ...stored, declaration: { ...declaration, members } };
  }
  if (!('at' in declaration)) return stored;
  const subject = 'to' in declaration ? declaration.to : undefined;
  const to = member(subject);
  const isAtName = declaration.at.length > 0 && hasName(declaration.at);
  const isTagName = isClearance(declaration) && names.isUser(declaration.clear) && hasName([declaration.clear]);
  if (to === subject && !isAtName && !isTagName) return stored;
  const converted = {
    ...declaration,
    ...(to === undefined ? {} : { to }),
    ...(isAtName ? { at: pseudonymous(declaration.at, names, pseudonym) } : {}),
    ...(isTagName ? { clear: pseudonym } : {}),
  } as Declaration;
  const isEnded = isAtName || !isCeiling(declaration);
  return { ...stored, declaration: converted, ...(isEnded ? { until } : {}) };
}

/** A namespace without the labels that name the subject. */
function pseudonymous(namespace: Namespace, names: SubjectNames, pseudonym: string): Namespace {
  const isWithin = names.isWithin(namespace);
  return namespace.map((label, i) => {
    const isErased = isWithin ? names.isWithin(namespace.slice(0, i + 1)) : names.isUser(label);
    return isErased ? pseudonym : label;
  });
}

function isUserMember(value: unknown): value is Extract<Member, { userId: string }> {
  return typeof value === 'object' && value !== null && 'userId' in value;
}
