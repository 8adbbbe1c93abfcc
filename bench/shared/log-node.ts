import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ClusterMembership } from '../../src/domain/cluster-membership';
import type { Command, MemoryDraft, Outcome } from '../../src/domain/command';
import type { EntryResult, LogEntry, LogPosition } from '../../src/domain/frame';
import { root } from '../../src/domain/principal';
import { RaftLog } from '../../src/log/raft-log';
import { configurationOf } from '../../src/raft/core/configuration';
import { noBytes } from '../../src/raft/core/entry';
import type { Snapshot } from '../../src/raft/core/messages';
import { systemTiming } from '../../src/raft/node/host-timing';
import { RaftHost } from '../../src/raft/node/raft-host';
import type { RaftStorage } from '../../src/raft/storage/raft-storage';
import type { RaftTransport } from '../../src/raft/transport/raft-transport';
import { ReadModel } from '../../src/state/read-model';
import { foundingPlace, StateStore } from '../../src/state/state-store';
import { loadChecksum } from '../../src/state/tables/checksum';
import { openDatabase } from '../../src/state/tables/database';
import { teams } from './corpus';
import { textOf } from './texts';
import { dimensions, Vectors } from './vectors';

/** The id of the cluster of the benchmark. */
export const cluster = 'c'.repeat(32);

/** What the node applies entries to. */
export interface BenchState {
  readonly position: LogPosition;
  apply(entry: LogEntry): EntryResult;
}

/** A node of the log, without a store. */
export interface LogNode {
  readonly host: RaftHost;
  readonly log: RaftLog;
}

/** What a node needs. */
export interface LogNodeOptions {
  readonly id: number;
  readonly start: number;
  readonly storage: RaftStorage;
  readonly transport: RaftTransport;
  readonly membership: ClusterMembership;
  readonly state: BenchState;
}

/** The first members of a cluster: these ids at these addresses. */
export function foundingMembers(addresses: Readonly<Record<string, string>>): ClusterMembership {
  const ids = Object.keys(addresses).map(Number);
  return { index: foundingPlace.index, configuration: configurationOf(ids), addresses };
}

/** What the log of each founding member begins with. */
export function foundingSnapshot({ configuration }: ClusterMembership): Snapshot {
  return { ...foundingPlace, configuration, data: noBytes };
}

/** Starts a node. */
export async function startLogNode({
  id,
  start,
  storage,
  transport,
  membership,
  state,
}: LogNodeOptions): Promise<LogNode> {
  const timing = systemTiming();
  const host = new RaftHost({
    identity: { cluster, node: id, start, release: '1', schema: 1, analyzer: '1' },
    seed: randomBytes(4).readUInt32LE(),
    storage,
    transport,
    applied: state.position,
    membership,
    timing,
    snapshotPath: ({ index }) => `${index}.db`,
  });
  const log = new RaftLog({
    link: host,
    cluster,
    incarnation: { node: id, start },
    apply: (entry) => state.apply(entry),
    install: () => Promise.reject(new Error('The benchmark sends no snapshots.')),
    position: () => state.position.index,
    timing,
    maxPending: 10_000,
    waitMs: 10_000,
  });
  await log.start();
  return { host, log };
}

/** A state that keeps nothing but its place, to measure the log alone. Each frame is decoded and answered. */
export class EmptyState implements BenchState {
  position: LogPosition = { ...foundingPlace, digest: '' };
  readonly #sessions = new Map<string, number>();

  apply({ index, term, frame }: LogEntry): EntryResult {
    this.position = { index, term, digest: '' };
    if (frame === undefined) return { type: 'empty' };
    const session = `${frame.incarnation.node}/${frame.incarnation.start}`;
    const last = this.#sessions.get(session) ?? 0;
    if (frame.number <= last) return { type: 'repeated' };
    if (frame.number > last + 1) return { type: 'gap', expected: last + 1 };
    this.#sessions.set(session, frame.number);
    const outcome: Outcome = { ok: true, type: 'epoch' };
    return { type: 'applied', outcomes: frame.commands.map(() => outcome) };
  }
}

/** The state of a store in a file, as a peer applies to it: its log is the durable part. */
export async function stateInFile(folder: string, membership: ClusterMembership): Promise<BenchState> {
  const database = openDatabase({ path: join(folder, 'memory.db'), readOnly: false });
  database.pragma('synchronous = normal');
  const state = new StateStore(database, await loadChecksum());
  const model = new ReadModel(state);
  if (state.membership === undefined) {
    const { configuration, addresses } = membership;
    state.foundCluster({ cluster, configuration, addresses });
  }
  return {
    get position() {
      return state.logPosition();
    },
    apply: (entry) => {
      const applied = state.applyEntry(entry);
      model.follow(applied);
      return applied.result;
    },
  };
}

const templates = 1_000;

/** Commands that store a typical memory each: a text of 600 bytes and a vector. They are made ahead, so that no time goes into them. */
export class Commands {
  readonly #prefix: string;
  readonly #drafts: readonly Omit<MemoryDraft, 'id'>[];
  #last = 0;

  constructor(prefix: string) {
    const vectors = new Vectors(templates);
    this.#prefix = prefix;
    this.#drafts = Array.from({ length: templates }, (_, ticket) => draftOf(vectors, ticket));
  }

  next(): Command {
    const n = this.#last++;
    const draft = this.#drafts[n % templates] as Omit<MemoryDraft, 'id'>;
    return {
      type: 'remember',
      drafts: [{ ...draft, id: `${this.#prefix}-${n}` }],
      stamp: { at: n, by: root, scope: {}, seed: new Uint8Array(16) },
    };
  }
}

function draftOf(vectors: Vectors, ticket: number): Omit<MemoryDraft, 'id'> {
  return {
    text: textOf(ticket, vectors.topicOf(ticket)),
    kind: 'semantic',
    tags: [],
    priority: 0.5,
    metadata: { ticket },
    validFrom: 0,
    namespace: ['support', `team-${ticket % teams}`],
    visibility: 'shared',
    accessTags: [],
    source: { channel: 'agent' },
    embedded: {
      space: { model: 'given by the benchmark', dimensions, normalized: true },
      vectors: [vectors.of(ticket)],
    },
  };
}
