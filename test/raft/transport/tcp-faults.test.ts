import { randomBytes } from 'node:crypto';
import { existsSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { bytes as bytesCodec } from '../../../src/log/codec/fields';
import type { PeerMessage } from '../../../src/raft/core/messages';
import { writeMessage } from '../../../src/raft/transport/message-codec';
import { sha256 } from '../../../src/raft/transport/snapshot-files';
import { frameType, wireFrame } from '../../../src/raft/transport/wire-frames';
import { closeProxies, FaultProxy, type Treatment } from './fault-proxy';
import {
  closeNodes,
  connect,
  dialAs,
  heartbeat,
  introduce,
  sleep,
  snapshotMessage,
  TestNode,
  until,
} from './test-node';

afterEach(async () => {
  await closeNodes();
  await closeProxies();
});

/** Node 1 reaches node 2 through a proxy. */
async function pairWithProxy(own: Parameters<typeof TestNode.start>[1] = {}) {
  const proxy = await FaultProxy.start();
  const one = await TestNode.start(1, own);
  const two = await TestNode.behind(proxy, 2, own);
  introduce(one, two);
  return { proxy, one, two };
}

describe('messages', () => {
  test('arrive again after the connection was cut at any moment', async () => {
    const { proxy, one, two } = await pairWithProxy();
    for (let round = 0; round < 10; round += 1) {
      await connect(one, two);
      proxy.cut();
    }
    await connect(one, two);
    expect(proxy.connections).toBeGreaterThan(5);
    expect(one.lost).toContain(2);
  });

  test.each<Treatment>(['flip', 'truncate'])('are never altered by a network that does this: %s', async (treatment) => {
    const { proxy, one, two } = await pairWithProxy();
    await connect(one, two);
    for (let term = 100; term < 130; term += 1) {
      proxy.forward = term % 3 === 0 ? treatment : 'pass';
      one.transport.send([heartbeat(1, 2, term), heartbeat(1, 2, term)]);
      await sleep(5);
    }
    proxy.heal();
    await connect(one, two);
    expect(two.received.every((message) => message.kind === 'heartbeat' && message.term < 130)).toBe(true);
    for (const message of two.received) expect(message).toEqual(heartbeat(1, 2, message.term));
    expect(proxy.connections).toBeGreaterThan(3);
  });

  test.each<['forward' | 'backward']>([['forward'], ['backward']])(
    'find a dead connection by its silence: %s',
    async (direction) => {
      const { proxy, one, two } = await pairWithProxy();
      await connect(one, two);
      proxy[direction] = 'stall';
      await until(() => one.lost.includes(2), 'the loss is noticed');
      proxy.heal();
      await connect(one, two);
    },
  );

  test('pass in the direction that works', async () => {
    const { proxy, one, two } = await pairWithProxy();
    await connect(one, two);
    await connect(two, one);
    proxy.forward = 'drop';
    await until(() => one.lost.includes(2));
    const [before, count] = [two.received.length, one.received.length];
    await connect(two, one);
    one.send(2);
    await sleep(50);
    expect(two.received.length).toBe(before);
    expect(one.received.length).toBeGreaterThan(count);
  });

  test('are lost beyond the bound of the queue, and the node is told', async () => {
    const { proxy, one, two } = await pairWithProxy({ limits: { maxQueuedBytes: 2 ** 20, silentMs: 60_000 } });
    await connect(one, two);
    proxy.forward = 'stall';
    const data = new Uint8Array(100_000);
    const append = {
      ...{ kind: 'append' as const, from: 1, to: 2, term: 1, previousIndex: 0, previousTerm: 0, commit: 0 },
      entries: [{ kind: 'normal' as const, term: 1, index: 1, data }],
    };
    // The proxy still reads. Only the queue of this moment counts.
    for (let at = 0; at < 20; at += 1) one.transport.send([append]);
    await until(() => one.lost.includes(2), 'the loss is told');
  });

  test('that cannot be encoded are lost, and nothing is thrown', async () => {
    const { one, two } = await pairWithProxy();
    one.transport.send([{ ...heartbeat(1, 2, 1), commit: Number.NaN }]);
    await until(() => one.lost.includes(2));
    await connect(one, two);
  });

  test('of the kind snapshot do not reach the network, where they would end the connection', async () => {
    const { proxy, one, two } = await pairWithProxy({ limits: { silentMs: 60_000 } });
    await connect(one, two);
    const { connections } = proxy;
    one.transport.send([snapshotMessage(1, 2)]);
    await until(() => one.lost.includes(2));
    await connect(one, two);
    expect(proxy.connections).toBe(connections);
  });

  test('wait only a short while for a node that was away', async () => {
    const { one, two } = await pairWithProxy();
    await two.transport.close();
    await until(() => {
      one.send(2);
      return one.lost.length > 3;
    });
    const again = await TestNode.start(2, { start: 2 });
    introduce(one, again);
    const began = performance.now();
    await connect(one, again);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

test('requests end when their connection is cut, and their error can be retried', async () => {
  const { proxy, one, two } = await pairWithProxy();
  two.request = () => new Promise(() => undefined);
  const asked = one.transport.request(2, Uint8Array.of(1), 10_000);
  await until(() => proxy.connections === 1);
  await sleep(50);
  proxy.cut();
  await expect(asked).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', retryable: true });
});

test('requests are bounded: what a node cannot answer now is refused', async () => {
  const [one, two] = [await TestNode.start(1), await TestNode.start(2, { limits: { maxRequests: 2 } })];
  introduce(one, two);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let running = 0;
  two.request = async (_, body) => {
    running += 1;
    await released;
    return body;
  };
  const first = [1, 2].map(() => one.transport.request(2, Uint8Array.of(7), 10_000));
  await until(() => running === 2);
  await expect(one.transport.request(2, Uint8Array.of(8), 10_000)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  release();
  expect((await Promise.all(first)).map((each) => [...each])).toEqual([[7], [7]]);
  await expect(one.transport.request(2, new Uint8Array(9 * 2 ** 20), 1_000)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
});

test('an error that is no MemoryError does not leave the node', async () => {
  const [one, two] = [await TestNode.start(1), await TestNode.start(2)];
  introduce(one, two);
  two.request = async () => {
    throw new Error('a text of a memory');
  };
  const error = await one.transport.request(2, Uint8Array.of(1), 10_000).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'STORE_UNREACHABLE' });
  expect(String(error)).not.toContain('a text of a memory');
});

describe('a snapshot', () => {
  const chunkBytes = 10_000;
  const limits = { chunkBytes, snapshotAttempts: 3, silentMs: 2_000 };

  function fileOf(node: TestNode, bytes: Buffer): string {
    const path = join(node.folder, 'sent.db');
    writeFileSync(path, bytes);
    return path;
  }

  test('goes on after each break with the chunks that are missing', async () => {
    const { proxy, one, two } = await pairWithProxy({ limits });
    const bytes = randomBytes(40 * chunkBytes + 17);
    proxy.cutAfter = 8 * chunkBytes;
    expect(await one.transport.sendSnapshot(snapshotMessage(1, 2), fileOf(one, bytes))).toBe(true);
    expect(two.snapshots.map((each) => each.equals(bytes))).toEqual([true]);
    expect(proxy.connections).toBeGreaterThan(4);
    // At most the chunks that were on their way are sent twice.
    expect(proxy.forwardedBytes).toBeLessThan(bytes.length * 2);
    expect(statSync(two.snapshotPath()).mode & 0o777).toBe(0o600);
    expect(existsSync(`${two.snapshotPath()}.part`)).toBe(false);
  });

  test('goes on after the receiver was started again, with what its folder holds', async () => {
    const { proxy, one, two } = await pairWithProxy({ limits: { ...limits, snapshotAttempts: 1 } });
    const bytes = randomBytes(40 * chunkBytes);
    const path = fileOf(one, bytes);
    // The first half is there, the second half is of another file.
    writeFileSync(
      `${two.snapshotPath()}.part`,
      Buffer.concat([bytes.subarray(0, 20 * chunkBytes), randomBytes(30 * chunkBytes)]),
    );
    expect(await one.transport.sendSnapshot(snapshotMessage(1, 2), path)).toBe(true);
    expect(two.snapshots[0]?.equals(bytes)).toBe(true);
    expect(proxy.forwardedBytes).toBeLessThan(22 * chunkBytes);
  });

  test('is given up after a few attempts without progress', async () => {
    const { proxy, one, two } = await pairWithProxy({ limits });
    proxy.cutAfter = 0;
    expect(await one.transport.sendSnapshot(snapshotMessage(1, 2), fileOf(one, randomBytes(chunkBytes * 5)))).toBe(
      false,
    );
    expect(proxy.connections).toBeLessThanOrEqual(4);
    expect(two.snapshots).toEqual([]);
  });

  test('is never delivered with a flipped bit', async () => {
    const { proxy, one, two } = await pairWithProxy({ limits: { ...limits, snapshotAttempts: 20 } });
    const bytes = randomBytes(10 * chunkBytes);
    let seen = 0;
    proxy.onForward = () => {
      seen += 1;
      // Some are among the chunks, and some end the handshake.
      proxy.forward = seen % 7 === 0 && seen < 60 ? 'flip' : 'pass';
    };
    expect(await one.transport.sendSnapshot(snapshotMessage(1, 2), fileOf(one, bytes))).toBe(true);
    expect(two.snapshots.map((each) => each.equals(bytes))).toEqual([true]);
  });

  test.each<[string, (honest: Transfer) => Transfer]>([
    ['a chunk whose digest is wrong', (honest) => ({ ...honest, ...chunkOf(randomBytes(8)), content: honest.content })],
    ['a last digest that does not fit', (honest) => ({ ...honest, end: sha256(randomBytes(8)) })],
    ['a chunk behind a gap', (honest) => ({ ...honest, index: 1 })],
    ['a chunk at a place that is none', (honest) => ({ ...honest, index: 0.5 })],
    ['a chunk that is too short', (honest) => ({ ...honest, ...chunkOf(honest.content.subarray(1)) })],
    [
      'a chunk that is too long',
      (honest) => ({ ...honest, ...chunkOf(Buffer.concat([honest.content, Buffer.of(1)])) }),
    ],
    ['a size that is impossible', (honest) => ({ ...honest, size: 2 ** 60 })],
    ['chunks of no bytes', (honest) => ({ ...honest, chunkBytes: 0 })],
    ['a message in the name of another node', (honest) => ({ ...honest, message: snapshotMessage(3, 2) })],
    ['a message for another node', (honest) => ({ ...honest, message: snapshotMessage(1, 3) })],
    ['another kind of message', (honest) => ({ ...honest, message: heartbeat(1, 2, 1) })],
  ])('is not delivered if its sender sends %s', async (_, lie) => {
    const two = await TestNode.start(2);
    const content = randomBytes(chunkBytes);
    const honest = { message: snapshotMessage(1, 2), size: content.length, chunkBytes, index: 0, ...chunkOf(content) };
    expect(await transferBy(two, lie(honest))).toBe(false);
    expect(two.snapshots).toEqual([]);
    expect(await transferBy(two, honest)).toBe(true);
    expect(two.snapshots).toHaveLength(1);
  });

  test('whose file becomes shorter meanwhile is not delivered', async () => {
    const { one, two } = await pairWithProxy({ limits, snapshotBytesPerSecond: 200_000 });
    const path = fileOf(one, randomBytes(20 * chunkBytes));
    const sent = one.transport.sendSnapshot(snapshotMessage(1, 2), path);
    await until(() => existsSync(`${two.snapshotPath()}.part`));
    truncateSync(path, chunkBytes);
    expect(await sent).toBe(false);
    expect(two.snapshots).toEqual([]);
  });

  test('is not written through a link', async () => {
    const { one, two } = await pairWithProxy({ limits: { ...limits, snapshotAttempts: 1 } });
    const target = join(two.folder, 'precious');
    writeFileSync(target, 'precious');
    symlinkSync(target, `${two.snapshotPath()}.part`);
    expect(await one.transport.sendSnapshot(snapshotMessage(1, 2), fileOf(one, randomBytes(100)))).toBe(false);
    expect(statSync(target).size).toBe(8);
  });

  test('is sent only as fast as it may be, and delays no message', async () => {
    const bound = 400_000;
    const { one, two } = await pairWithProxy({ limits, snapshotBytesPerSecond: bound });
    await connect(one, two);
    const bytes = randomBytes(20 * chunkBytes);
    const began = performance.now();
    const sent = one.transport.sendSnapshot(snapshotMessage(1, 2), fileOf(one, bytes));
    await connect(one, two);
    expect(two.snapshots).toEqual([]);
    expect(await sent).toBe(true);
    expect(performance.now() - began).toBeGreaterThan(((bytes.length - chunkBytes) / bound) * 1_000 * 0.95);
  });

  test('replaces an earlier one to the same node', async () => {
    const { one, two } = await pairWithProxy({ limits, snapshotBytesPerSecond: 400_000 });
    const path = fileOf(one, randomBytes(20 * chunkBytes));
    const first = one.transport.sendSnapshot(snapshotMessage(1, 2), path);
    await until(() => existsSync(`${two.snapshotPath()}.part`));
    const second = one.transport.sendSnapshot(snapshotMessage(1, 2), path);
    expect(await first).toBe(false);
    expect(await second).toBe(true);
    expect(two.snapshots).toHaveLength(1);
  });
});

test('a node that is closed while others dial it leaves nothing open', async () => {
  const { one, two } = await pairWithProxy();
  one.send(2);
  const asked = one.transport.request(2, Uint8Array.of(1), 5_000).catch((error: unknown) => error);
  await one.transport.close();
  expect(await asked).toMatchObject({ code: 'STORE_CLOSED' });
  await two.transport.close();
});

test('a port that is in use is refused with its number', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const node = new TestNode(1, { listen: { host: '127.0.0.1', port } });
  await expect(node.transport.start(node)).rejects.toThrow(new RegExp(`port ${port}: EADDRINUSE`));
  server.close();
});

interface Transfer {
  readonly message: PeerMessage;
  readonly size: number;
  readonly chunkBytes: number;
  readonly index: number;
  readonly digest: Uint8Array;
  readonly content: Buffer;
  /** The digest of all digests. */
  readonly end: Uint8Array;
}

function chunkOf(content: Buffer) {
  const digest = sha256(content);
  return { content, digest, end: sha256(digest) };
}

/** Sends a snapshot of one chunk, frame by frame, as a node that may lie. Returns whether the receiver has taken it. */
async function transferBy(to: TestNode, { message, size, chunkBytes, index, digest, content, end }: Transfer) {
  const { wire } = await dialAs(1, to, 'snapshot');
  const encoded = wireFrame(0, (writer) => writeMessage(writer, message)).subarray(9);
  wire.send(
    wireFrame(frameType.offer, (writer) => {
      bytesCodec.write(writer, encoded);
      writer.number(size);
      writer.number(chunkBytes);
    }),
  );
  if ((await wire.receive())?.type !== frameType.owned) return false;
  wire.send(
    wireFrame(frameType.chunk, (writer) => {
      writer.number(index);
      bytesCodec.write(writer, digest);
      bytesCodec.write(writer, content);
    }),
  );
  wire.send(wireFrame(frameType.end, (writer) => bytesCodec.write(writer, end)));
  const taken = await wire.receive();
  wire.destroy();
  return taken?.type === frameType.taken && taken.body[0] === 1;
}
