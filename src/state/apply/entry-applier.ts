import type { ClusterMembership } from '../../domain/cluster-membership';
import type { Command, Outcome } from '../../domain/command';
import type { EntryResult, Frame, LogEntry, LogPosition } from '../../domain/frame';
import type { Checksum } from '../tables/checksum';
import type { ClusterMemberships } from '../tables/cluster-membership';
import type { LogPositions } from '../tables/log-position';
import type { RowChange } from './apply-context';
import { ApplyHalt } from './apply-halt';

/** The parts of the state that the digest of an entry covers, as they are after the entry. */
export interface DigestedState {
  readonly changes: readonly RowChange[];
  readonly embedded: readonly {
    readonly space: number;
    readonly rows: readonly number[];
    readonly changeSeq: number;
  }[];
  readonly policyVersion: number;
  /** How many label sets and actors have a number. */
  readonly labelSets: number;
  readonly actors: number;
  /** The hash of the last audit entry of the changes. It covers the actor, the action and the decision of each command. */
  readonly auditHash: Uint8Array;
}

export interface EntryApplierDeps {
  readonly positions: LogPositions;
  readonly memberships: ClusterMemberships;
  readonly checksum: Pick<Checksum, 'ofText'>;
  /** Applies a command inside the transaction of the entry. */
  apply(command: Command): Outcome;
  state(): DigestedState;
}

/**
 * Applies an entry of a log with several peers, inside the caller's transaction. Every peer applies each frame once, and gets the same
 * result and the same digest. The position and the session are written with the effects, so that after a crash the next entry is known.
 *
 * @throws ApplyHalt if the entry is not the next one
 */
export function applyEntry(deps: EntryApplierDeps, entry: LogEntry): { result: EntryResult; position: LogPosition } {
  const { positions } = deps;
  const before = positions.get();
  assertNext(before, entry);
  if (entry.membership !== undefined) putMembers(deps.memberships, entry.membership);
  const result = entry.frame === undefined ? ({ type: 'empty' } as const) : applyFrame(deps, entry.frame);
  const { index, term } = entry;
  const position = { index, term, digest: digestOf(deps, before.digest, entry, result) };
  positions.put(position);
  return { result, position };
}

function applyFrame({ positions, apply }: EntryApplierDeps, { incarnation, number, commands }: Frame): EntryResult {
  const session = positions.session(incarnation.node);
  if (session !== undefined && incarnation.start < session.start) return { type: 'ended' };
  const last = session?.start === incarnation.start ? session.lastFrame : 0;
  if (number <= last) return { type: 'repeated' };
  if (number > last + 1) return { type: 'gap', expected: last + 1 };
  const outcomes = commands.map(apply);
  positions.putSession(incarnation, number);
  return { type: 'applied', outcomes };
}

function putMembers(memberships: ClusterMemberships, membership: ClusterMembership): void {
  const cluster = memberships.get()?.cluster;
  if (cluster === undefined)
    throw new ApplyHalt(`entry ${membership.index} changes the members, and this store has no cluster.`);
  memberships.put({ cluster, ...membership });
}

/** A peer never skips an entry, and applies none twice. */
function assertNext(before: LogPosition, { index, term }: LogEntry): void {
  if (index !== before.index + 1)
    throw new ApplyHalt(`it applied entry ${before.index} last, and got entry ${index} instead of the next one.`);
  if (term < before.term) throw new ApplyHalt(`entry ${index} has term ${term}, and the entry before ${before.term}.`);
}

/**
 * Hashes what the entry has done, with the digest before it. xxHash64 is loaded for the checksums of records in any case, and is as good for
 * faults that nobody makes on purpose; against an attacker it would not help that a hash is slower, because a peer can write anything.
 *
 * Lengths in tokens are not covered: they depend on the Unicode tables of Node.
 */
function digestOf(
  { checksum, state }: EntryApplierDeps,
  before: string,
  { index, term, membership }: LogEntry,
  result: EntryResult,
): string {
  const { changes, embedded, policyVersion, labelSets, actors, auditHash } = state();
  return checksum.ofText(
    JSON.stringify([
      before,
      [index, term, result.type],
      result.type === 'applied' ? result.outcomes.map(factsOf) : [],
      changes.map(({ changeSeq, row, id, type, columns }) => [
        changeSeq,
        row,
        id,
        type,
        columns?.labelSet ?? null,
        columns?.owner ?? null,
      ]),
      embedded.map(({ space, rows, changeSeq }) => [space, rows, changeSeq]),
      [policyVersion, labelSets, actors, Buffer.from(auditHash).toString('base64')],
      ...(membership === undefined ? [] : [membershipFacts(membership)]),
    ]),
  );
}

/** In a fixed order, because peers may have made the objects in different orders. */
function membershipFacts({ configuration, addresses }: ClusterMembership): unknown {
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
  const byId = Object.entries(addresses).sort(([a], [b]) => Number(a) - Number(b));
  return [voters, outgoing, learners, learnersNext, autoLeave, byId];
}

/** The parts of an outcome that every release decides in the same way. The message of an error is not one of them. */
function factsOf(outcome: Outcome): unknown {
  if (!outcome.ok) return outcome.error.code;
  switch (outcome.type) {
    case 'remember':
      return outcome.remembered.map(({ id, revision, outcome: what }) => [id, revision, what]);
    case 'update':
    case 'share':
    case 'endorse':
      return [outcome.memory.id, outcome.memory.revision];
    case 'add-declaration':
      return outcome.declared.id;
    case 'lease':
      return [outcome.lease.grant, outcome.lease.request, outcome.lease.holder];
    default: {
      const { ok: _, ...facts } = outcome;
      return Object.values(facts);
    }
  }
}
