import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryError } from '../domain/errors';
import { isUint8Array } from '../domain/realms';
import { pause } from '../environment/timers';
import type { Append, InstallSnapshot, PeerMessage } from '../raft/core/messages';
import type { NodeId } from '../raft/core/node-id';
import type { NodeIdentity, RaftTransport, TransportReceiver } from '../raft/transport/raft-transport';
import type { ConformanceCase } from './conformance';

/** A transport that has not been started. */
export interface TransportUnderTest {
  readonly transport: RaftTransport;
  /** The address at which others reach it. Read after `transport.start`. */
  readonly address: string;
}

const cluster = '0123456789abcdef0123456789abcdef';
const waitMs = 20_000;

/**
 * The requirements for a `RaftTransport`.
 *
 * @param make Makes the transport of one more node. All transports of one case can reach each other.
 * @example
 * ```ts
 * import { InProcessNetwork, raftTransportConformance } from 'multi-agent-memory/testing';
 * import { test } from 'vitest';
 * const network = new InProcessNetwork();
 * let count = 0;
 * const make = async () => {
 *   const address = `node-${++count}`;
 *   return { transport: network.transport(address), address };
 * };
 * for (const { name, run } of raftTransportConformance(make)) test(name, run);
 * ```
 */
export function raftTransportConformance(make: () => Promise<TransportUnderTest>): readonly ConformanceCase[] {
  const check = (name: string, run: (nodes: Nodes) => Promise<void>): ConformanceCase => ({
    name,
    run: async () => {
      const nodes = new Nodes(make);
      try {
        await run(nodes);
      } finally {
        await nodes.close();
      }
    },
  });
  return [
    check('delivers every kind of message unchanged', deliversEveryKind),
    check('delivers a message with a large entry', deliversLargeEntries),
    check('delivers in a later turn, and never to the sender itself', deliversLater),
    check('does not deliver messages for another node id', keepsMessagesForOthers),
    check('does not deliver messages of another cluster', keepsClustersApart),
    check('delivers nothing between nodes that could make different states of one log', keepsReleasesApart),
    check('reports a node that cannot be reached, and never throws', reportsUnreachable),
    check('loses a snapshot that is sent as a message, because its file would be missing', losesSnapshotMessages),
    check('delivers again after a node was closed and started again', survivesRestart),
    check('answers a node that is not a member yet', answersStrangers),
    check('answers requests of members and of nodes without a cluster', answersRequests),
    check('passes on the error of a request', passesErrorsOn),
    check('rejects a request to a node of another cluster, which never sees it', keepsRequestsApart),
    check('ends a request without an answer after its time-out', endsRequests),
    check('copies a snapshot, then delivers its message', copiesSnapshots),
    check('resolves with false if the receiver refuses a snapshot', refusesSnapshots),
    check('delivers messages while a snapshot is being taken', deliversBesideSnapshots),
    check('receives nothing after close, and rejects requests', closes),
  ];
}

class Nodes {
  readonly #make: () => Promise<TransportUnderTest>;
  readonly #all: TestNode[] = [];
  #folder: string | undefined;

  constructor(make: () => Promise<TransportUnderTest>) {
    this.#make = make;
  }

  async start(node: NodeId, identity: Partial<NodeIdentity> = {}): Promise<TestNode> {
    const made = await this.#make();
    const started = new TestNode(made, node, identity, await this.folder());
    this.#all.push(started);
    await made.transport.start(started);
    return started;
  }

  /** Starts two nodes that know each other. */
  async pair(): Promise<readonly [TestNode, TestNode]> {
    const [one, two] = [await this.start(1), await this.start(2)];
    introduce([one, two]);
    return [one, two];
  }

  async folder(): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'raft-transport-'));
    return this.#folder;
  }

  async close(): Promise<void> {
    for (const node of this.#all) await node.transport.close();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}

class TestNode implements TransportReceiver {
  readonly transport: RaftTransport;
  readonly received: PeerMessage[] = [];
  readonly snapshots: { readonly message: InstallSnapshot; readonly bytes: Buffer }[] = [];
  readonly lost: NodeId[] = [];
  readonly asked: (NodeId | undefined)[] = [];
  acceptsSnapshots = true;
  takeSnapshot: () => Promise<void> = async () => undefined;
  answer: (body: Uint8Array) => Promise<Uint8Array> = async (body) => new Uint8Array([...body].reverse());
  readonly #made: TransportUnderTest;
  readonly #identity: NodeIdentity;
  readonly #folder: string;

  constructor(made: TransportUnderTest, node: NodeId, own: Partial<NodeIdentity>, folder: string) {
    this.#made = made;
    this.transport = made.transport;
    this.#folder = folder;
    this.#identity = { cluster, node, start: 1, release: '1.0.0', schema: 1, analyzer: '1', ...own };
  }

  get address(): string {
    return this.#made.address;
  }

  identity(): NodeIdentity {
    return this.#identity;
  }

  receive(message: PeerMessage): void {
    this.received.push(message);
  }

  request(from: NodeId | undefined, body: Uint8Array): Promise<Uint8Array> {
    this.asked.push(from);
    return this.answer(body);
  }

  snapshotPath(): string | undefined {
    return this.acceptsSnapshots ? join(this.#folder, `received-by-${this.#identity.node}.db`) : undefined;
  }

  async receiveSnapshot(message: InstallSnapshot, path: string): Promise<void> {
    await this.takeSnapshot();
    this.snapshots.push({ message, bytes: await readFile(path) });
  }

  unreachable(node: NodeId): void {
    this.lost.push(node);
  }
}

function introduce(nodes: readonly TestNode[]): void {
  const addresses = new Map(nodes.map((node) => [node.identity().node, node.address]));
  for (const node of nodes) node.transport.setMembers(addresses);
}

async function deliversEveryKind(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  await connect(one, two);
  two.received.length = 0;
  const messages = everyKind(1, 2);
  one.transport.send(messages);
  await until(() => two.received.length >= messages.length);
  // They may arrive in another order.
  const inOrder = (list: readonly PeerMessage[]) => list.map((message) => JSON.stringify(plain(message))).sort();
  assert.deepEqual(inOrder(two.received), inOrder(messages));
}

async function deliversLargeEntries(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  await connect(one, two);
  const data = Buffer.alloc(8 * 2 ** 20 - 9, 'an entry of the largest size');
  const message = appendOf(1, 2, [{ kind: 'normal', term: 3, index: 8, data }]);
  one.transport.send([message]);
  await until(() => two.received.some(({ kind }) => kind === 'append'));
  assert.deepEqual(plain(two.received.find(({ kind }) => kind === 'append')), plain(message));
}

async function deliversLater(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  await connect(one, two);
  const before = two.received.length;
  one.transport.send([heartbeatOf(1, 2, 77)]);
  assert.equal(two.received.length, before);
  await until(() => two.received.some((message) => message.term === 77));
  assert.equal(one.received.length, 0);
}

async function keepsMessagesForOthers(nodes: Nodes): Promise<void> {
  const [one, two] = [await nodes.start(1), await nodes.start(2)];
  // Node 1 believes that node 3 is where node 2 is.
  one.transport.setMembers(
    new Map([
      [1, one.address],
      [2, two.address],
      [3, two.address],
    ]),
  );
  one.transport.send([heartbeatOf(1, 3, 5)]);
  await connect(one, two);
  assert.ok(two.received.every(({ to }) => to === 2));
}

async function keepsClustersApart(nodes: Nodes): Promise<void> {
  const [one, two] = [await nodes.start(1), await nodes.start(2)];
  const stranger = await nodes.start(3, { cluster: `f${cluster.slice(1)}` });
  const joiner = await nodes.start(4, { cluster: '' });
  introduce([one, two, stranger, joiner]);
  for (const other of [stranger, joiner]) {
    other.transport.send([heartbeatOf(other.identity().node, 2, 9)]);
    two.transport.send([heartbeatOf(2, other.identity().node, 9)]);
  }
  await connect(one, two);
  await pause(50, undefined, { keepsAlive: true });
  assert.ok(two.received.every(({ from }) => from === 1));
  assert.deepEqual([...stranger.received, ...joiner.received], []);
}

async function keepsReleasesApart(nodes: Nodes): Promise<void> {
  const [one, two] = [await nodes.start(1), await nodes.start(2)];
  const others = [await nodes.start(3, { release: '2.0.0' }), await nodes.start(4, { schema: 2 })];
  others.push(await nodes.start(5, { analyzer: '2' }));
  introduce([one, two, ...others]);
  for (const other of others) {
    other.transport.send([heartbeatOf(other.identity().node, 2, 9)]);
    two.transport.send([heartbeatOf(2, other.identity().node, 9)]);
    await assert.rejects(other.transport.request(2, Uint8Array.of(1), waitMs), MemoryError.is);
  }
  await connect(one, two);
  assert.ok(two.received.every(({ from }) => from === 1));
  assert.deepEqual([...others.flatMap(({ received }) => received), ...two.asked], []);
}

async function reportsUnreachable(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  await two.transport.close();
  await until(() => {
    const count = one.lost.length;
    one.transport.send([heartbeatOf(1, 2, 1)]);
    // Not within the call: the node is not prepared to be called meanwhile.
    assert.equal(one.lost.length, count);
    return one.lost.includes(2);
  });
}

async function losesSnapshotMessages(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  await connect(one, two);
  one.transport.send([snapshotOf(1, 2)]);
  await until(() => one.lost.includes(2));
  await connect(one, two);
  assert.ok(two.received.every(({ kind }) => kind === 'heartbeat'));
}

async function survivesRestart(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  await connect(one, two);
  await two.transport.close();
  const again = await nodes.start(2, { start: 2 });
  introduce([one, again]);
  await connect(one, again);
  await connect(again, one);
}

async function answersStrangers(nodes: Nodes): Promise<void> {
  const [one, two] = [await nodes.start(1), await nodes.start(2)];
  one.transport.setMembers(
    new Map([
      [1, one.address],
      [2, two.address],
    ]),
  );
  // Node 2 has applied no membership yet, but its leader must hear from it.
  await connect(one, two);
  await connect(two, one);
}

async function answersRequests(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  const joiner = await nodes.start(3, { cluster: '' });
  assert.deepEqual([...(await one.transport.request(2, Uint8Array.of(1, 2, 3), waitMs))], [3, 2, 1]);
  assert.deepEqual(
    [...(await joiner.transport.request({ address: two.address }, Uint8Array.of(4, 5), waitMs))],
    [5, 4],
  );
  assert.deepEqual([...(await joiner.transport.request({ address: one.address }, new Uint8Array(), waitMs))], []);
  assert.deepEqual(two.asked, [1, undefined]);
}

async function keepsRequestsApart(nodes: Nodes): Promise<void> {
  const [one, stranger] = [await nodes.start(1), await nodes.start(2, { cluster: `f${cluster.slice(1)}` })];
  const isOther = (error: unknown) => MemoryError.is(error) && error.code === 'CLUSTER_MISMATCH';
  await assert.rejects(one.transport.request({ address: stranger.address }, Uint8Array.of(1), waitMs), isOther);
  assert.deepEqual(stranger.asked, []);
}

async function passesErrorsOn(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  two.answer = async () => {
    throw new MemoryError('FORBIDDEN', 'Not now.');
  };
  await assert.rejects(one.transport.request(2, Uint8Array.of(1), waitMs), (error) => {
    assert.ok(MemoryError.is(error));
    assert.deepEqual([error.code, error.message], ['FORBIDDEN', 'Not now.']);
    return true;
  });
}

async function endsRequests(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  two.answer = () => new Promise(() => undefined);
  const isUnreachable = (error: unknown) => MemoryError.is(error) && error.code === 'STORE_UNREACHABLE';
  await assert.rejects(one.transport.request(2, Uint8Array.of(1), 50), isUnreachable);
  await two.transport.close();
  await assert.rejects(one.transport.request({ address: two.address }, Uint8Array.of(1), 200), isUnreachable);
}

async function copiesSnapshots(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  const bytes = Buffer.alloc(3 * 2 ** 20 + 17, 'snapshot');
  const path = join(await nodes.folder(), 'sent.db');
  await writeFile(path, bytes);
  const message = snapshotOf(1, 2);
  assert.equal(await one.transport.sendSnapshot(message, path), true);
  assert.deepEqual(
    two.snapshots.map((each) => plain(each.message)),
    [plain(message)],
  );
  assert.ok(two.snapshots[0]?.bytes.equals(bytes));
  // An empty file is a file, too.
  await writeFile(path, '');
  assert.equal(await one.transport.sendSnapshot(message, path), true);
  assert.equal(two.snapshots[1]?.bytes.length, 0);
}

async function refusesSnapshots(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  const path = join(await nodes.folder(), 'sent.db');
  await writeFile(path, 'snapshot');
  two.acceptsSnapshots = false;
  assert.equal(await one.transport.sendSnapshot(snapshotOf(1, 2), path), false);
  two.acceptsSnapshots = true;
  two.takeSnapshot = () => Promise.reject(new Error('The disk is full.'));
  assert.equal(await one.transport.sendSnapshot(snapshotOf(1, 2), path), false);
  assert.equal(await one.transport.sendSnapshot(snapshotOf(1, 2), join(await nodes.folder(), 'missing.db')), false);
  assert.deepEqual(two.snapshots, []);
}

async function deliversBesideSnapshots(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  const path = join(await nodes.folder(), 'sent.db');
  await writeFile(path, Buffer.alloc(2 ** 20 + 1));
  let release = noRelease;
  two.takeSnapshot = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  const sent = one.transport.sendSnapshot(snapshotOf(1, 2), path);
  await connect(one, two);
  await until(() => {
    release();
    return release !== noRelease;
  });
  assert.equal(await sent, true);
}

async function closes(nodes: Nodes): Promise<void> {
  const [one, two] = await nodes.pair();
  await connect(one, two);
  await two.transport.close();
  await two.transport.close();
  const count = two.received.length;
  one.transport.send([heartbeatOf(1, 2, 3)]);
  two.transport.send([heartbeatOf(2, 1, 3)]);
  const isClosed = (error: unknown) => MemoryError.is(error) && error.code === 'STORE_CLOSED';
  await assert.rejects(two.transport.request(1, Uint8Array.of(1), waitMs), isClosed);
  await pause(30, undefined, { keepsAlive: true });
  assert.equal(two.received.length, count);
  assert.deepEqual(one.received, []);
}

function noRelease(): void {}

/** Sends until something arrives: a transport may lose messages, for example while it connects. */
async function connect(from: TestNode, to: TestNode): Promise<void> {
  const [sender, target] = [from.identity().node, to.identity().node];
  await until(() => {
    from.transport.send([heartbeatOf(sender, target, 1)]);
    return to.received.some((message) => message.from === sender);
  });
  // What is still on its way is not counted in what follows.
  await pause(20, undefined, { keepsAlive: true });
}

async function until(isDone: () => boolean): Promise<void> {
  for (let waited = 0; !isDone(); waited += 5) {
    assert.ok(waited < waitMs, 'Nothing happened.');
    await pause(5, undefined, { keepsAlive: true });
  }
}

function heartbeatOf(from: NodeId, to: NodeId, term: number): PeerMessage {
  return { kind: 'heartbeat', from, to, term, commit: 0, readRound: 0 };
}

function appendOf(from: NodeId, to: NodeId, entries: Append['entries']): PeerMessage {
  return { kind: 'append', from, to, term: 9, previousIndex: 7, previousTerm: 3, entries, commit: 6 };
}

function snapshotOf(from: NodeId, to: NodeId): InstallSnapshot {
  const configuration = { voters: [1, 2, 3], outgoing: [1], learners: [4], learnersNext: [], autoLeave: true };
  const snapshot = { index: 12, term: 3, configuration, data: Uint8Array.of(1, 2, 3) };
  return { kind: 'snapshot', from, to, term: 4, snapshot };
}

function everyKind(from: NodeId, to: NodeId): readonly PeerMessage[] {
  const ends = { from, to, term: 4 };
  const data = Uint8Array.of(0, 255, 128);
  const change = {
    transition: 'joint-explicit',
    changes: [{ kind: 'add-learner', node: 2 ** 48 - 1 }],
    context: data,
  } as const;
  return [
    { kind: 'vote-request', ...ends, lastIndex: 5, lastTerm: 3, isTransfer: true },
    { kind: 'pre-vote-request', ...ends, lastIndex: 5, lastTerm: 3, isTransfer: false },
    { kind: 'vote-response', ...ends, isRejected: true, commitIndex: 2, commitTerm: 1 },
    { kind: 'pre-vote-response', ...ends, isRejected: false, commitIndex: 0, commitTerm: 0 },
    appendOf(from, to, [
      { kind: 'normal', term: 3, index: 8, data },
      { kind: 'configuration', term: 4, index: 9, change },
      { kind: 'normal', term: 4, index: 10, data: new Uint8Array() },
    ]),
    { kind: 'append-response', ...ends, index: 7, isRejected: true, hintIndex: 5, hintTerm: 2 },
    { kind: 'heartbeat', ...ends, commit: Number.MAX_SAFE_INTEGER, readRound: 3 },
    {
      kind: 'heartbeat',
      ...ends,
      commit: 1,
      readRound: 0,
      lease: { round: 2, awaited: 0, grant: { start: 1, stamp: 99 } },
    },
    { kind: 'heartbeat-response', ...ends, readRound: 3 },
    { kind: 'heartbeat-response', ...ends, readRound: 3, lease: { round: 2, start: 1, stamp: 99, applied: 5 } },
    { kind: 'timeout-now', ...ends },
    {
      kind: 'propose',
      ...ends,
      term: 0,
      entries: [
        { kind: 'normal', data },
        { kind: 'configuration', change },
      ],
    },
    { kind: 'transfer-request', ...ends, term: 0, target: 3 },
    { kind: 'read-index', ...ends, term: 0, context: 12 },
    { kind: 'read-index-response', ...ends, index: 7, context: 12 },
    { kind: 'barrier', ...ends, term: 0, index: 7, context: 12 },
    { kind: 'barrier-response', ...ends, index: 7, context: 12 },
  ];
}

// Bytes are compared by their values: a Buffer and a Uint8Array of the same bytes are the same message.
function plain(value: unknown): unknown {
  if (isUint8Array(value)) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, plain(each)]));
}
