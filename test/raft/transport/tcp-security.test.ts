import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { writeMessage } from '../../../src/raft/transport/message-codec';
import { isCertificateOf } from '../../../src/raft/transport/peer-certificate';
import { TcpTransport } from '../../../src/raft/transport/tcp-transport';
import { frameType, maxWireBytes, WireReader, wireFrame } from '../../../src/raft/transport/wire-frames';
import { type CertificateContent, TestAuthority } from './certificates';
import { closeProxies, FaultProxy } from './fault-proxy';
import {
  closeNodes,
  connect,
  dialAs,
  heartbeat,
  introduce,
  listen,
  secret,
  sleep,
  snapshotMessage,
  TestNode,
  until,
} from './test-node';

afterEach(async () => {
  await closeNodes();
  await closeProxies();
});

const authority = new TestAuthority();

function tlsOf(content: CertificateContent, issuer = authority, trusted = [issuer]) {
  const issued = issuer.issue(content);
  return () => ({ ...issued, ca: trusted.map(({ cert }) => cert) });
}

const good = tlsOf({ names: ['127.0.0.1'] });

/** Sends in both directions for a while, and expects that both nodes refuse each other for this reason, and say so once. */
async function expectRefusal(one: TestNode, two: TestNode, code: string): Promise<void> {
  introduce(one, two);
  await until(() => {
    one.send(2);
    two.send(1);
    return one.refusals.length > 0 && two.refusals.length > 0;
  }, 'a refusal');
  for (let at = 0; at < 15; at += 1) {
    one.send(2);
    two.send(1);
    await sleep(8);
  }
  expect(new Set([...one.refusals, ...two.refusals].map((each) => each.code))).toEqual(new Set([code]));
  expect([one.received, two.received]).toEqual([[], []]);
  for (const { refusals } of [one, two]) expect(refusals.length).toBeLessThanOrEqual(2);
}

describe('certificates', () => {
  test('of another authority are refused, and both sides are told once', async () => {
    const other = tlsOf({ names: ['127.0.0.1'] }, new TestAuthority());
    await expectRefusal(
      await TestNode.start(1, { tls: good }),
      await TestNode.start(2, { tls: other }),
      'UNAUTHENTICATED',
    );
  });

  test('that name another host or another node are refused', async () => {
    for (const names of [['127.0.0.2', 'localhost', 'node:3'], []]) {
      const [one, two] = [await TestNode.start(1, { tls: good }), await TestNode.start(2, { tls: tlsOf({ names }) })];
      await expectRefusal(one, two, 'UNAUTHENTICATED');
      await closeNodes();
    }
  });

  test('that have expired are refused', async () => {
    const expired = tlsOf({ names: ['127.0.0.1'], validMs: -60_000 });
    await expectRefusal(
      await TestNode.start(1, { tls: good }),
      await TestNode.start(2, { tls: expired }),
      'UNAUTHENTICATED',
    );
  });

  test('that name the node are enough, and so are those that name its host', async () => {
    const one = await TestNode.start(1, { tls: tlsOf({ names: ['node:1'] }) });
    const two = await TestNode.start(2, { tls: tlsOf({ names: ['example.org', '127.0.0.1'] }) });
    introduce(one, two);
    await connect(one, two);
    await connect(two, one);
    expect([...one.refusals, ...two.refusals]).toEqual([]);
  });

  test('are read for each connection, so that they can be replaced without a restart', async () => {
    const next = new TestAuthority();
    const both = [authority, next];
    const current = {
      one: tlsOf({ names: ['node:1'] }, authority, both),
      two: tlsOf({ names: ['node:2'] }, authority, both),
    };
    const one = await TestNode.start(1, { tls: () => current.one() });
    const two = await TestNode.start(2, { tls: () => current.two() });
    introduce(one, two);
    await connect(one, two);
    current.one = tlsOf({ names: ['node:1'] }, next, both);
    current.two = tlsOf({ names: ['node:2'] }, next, both);
    await reconnect(one, two);
    // In the end the first authority is not trusted any more.
    current.one = tlsOf({ names: ['node:1'] }, next);
    current.two = tlsOf({ names: ['node:2'] }, next);
    await reconnect(one, two);
    expect([...one.refusals, ...two.refusals]).toEqual([]);
    current.two = tlsOf({ names: ['node:2'] }, authority);
    for (const node of [one, two]) node.transport.setMembers(new Map());
    introduce(one, two);
    await until(() => {
      one.send(2);
      two.send(1);
      return one.refusals.length > 0 && two.refusals.length > 0;
    });
    expect([...one.refusals, ...two.refusals].every(({ code }) => code === 'UNAUTHENTICATED')).toBe(true);
  });

  test('that cannot be read refuse connections until they are mended, and do not end the process', async () => {
    let tls = good;
    const one = await TestNode.start(1, { tls: () => tls() });
    const two = await TestNode.start(2, { tls: good });
    introduce(one, two);
    tls = () => {
      throw new Error('The file is gone.');
    };
    await until(() => {
      one.send(2);
      two.send(1);
      return one.refusals.length > 0 && two.lost.length > 0;
    });
    tls = () => ({ ...good(), cert: 'no certificate' });
    await sleep(50);
    one.send(2);
    tls = good;
    await connect(one, two);
    await connect(two, one);
  });

  test.each([
    ['do not belong together', () => ({ ...good(), key: tlsOf({})().key })],
    ['cannot be read', () => ({ ...good(), key: readFileSync('no such file') })],
  ])('that %s are reported at the start', async (_, tls) => {
    const broken = new TestNode(1, { tls });
    await expect(broken.transport.start(broken)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['cluster', 'tls'] }],
    });
  });

  test('are needed: a client without one, or with TLS 1.2, gets nothing but a refusal', async () => {
    const node = await TestNode.start(1, { tls: good, limits: { helloMs: 300 } });
    const { key, cert, ca } = good();
    const withoutCertificate = await firstFrames(connectTls({ ...partsOf(node), ca }));
    expect(withoutCertificate).toEqual([frameType.refusal]);
    const old = connectTls({ ...partsOf(node), ca, key, cert, maxVersion: 'TLSv1.2' });
    let isSecure = false;
    old.on('secureConnect', () => {
      isSecure = true;
    });
    expect(await firstFrames(old)).toEqual([]);
    expect(isSecure).toBe(false);
    expect(await firstFrames(createConnection(partsOf(node)))).toEqual([]);
    expect(new Set(node.refusals.map(({ code }) => code))).toEqual(new Set(['UNAUTHENTICATED']));
  });

  test('are shown each time: no session is resumed', async () => {
    const node = await TestNode.start(1, { tls: good });
    const sessions: Buffer[] = [];
    const dial = async (session?: Buffer) => {
      const { key, cert, ca } = good();
      const socket = connectTls({ ...partsOf(node), key, cert, ca, ...(session === undefined ? {} : { session }) });
      socket.on('session', (each: Buffer) => sessions.push(each));
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      await sleep(50);
      const isReused = (socket as TLSSocket).isSessionReused();
      socket.destroy();
      return isReused;
    };
    expect(await dial()).toBe(false);
    for (const session of [...sessions]) expect(await dial(session)).toBe(false);
  });

  test('are compared name by name: no name can contain another', () => {
    const tricky = authority.issue({ names: ['http://a, URI:node:7, b'] });
    const certificate = new X509Certificate(tricky.cert);
    expect(certificate.subjectAltName).toContain('URI:node:7');
    expect(isCertificateOf(certificate, 7, '127.0.0.1')).toBe(false);
    const names = new X509Certificate(authority.issue({ names: ['node:17', '*.example.org'] }).cert);
    expect(isCertificateOf(names, 17, 'x')).toBe(true);
    expect(isCertificateOf(names, 1, 'x')).toBe(false);
    expect(isCertificateOf(names, 7, 'a.example.org')).toBe(true);
  });
});

describe('a secret', () => {
  test('that differs is refused on both sides', async () => {
    const [one, two] = [await TestNode.start(1), await TestNode.start(2, { secret: 'another secret of a test' })];
    await expectRefusal(one, two, 'UNAUTHENTICATED');
  });

  test('that differs is told once, also while a member at the same IP address sends', async () => {
    const [one, two] = [await TestNode.start(1), await TestNode.start(2)];
    const stranger = await TestNode.start(3, { secret: 'another secret of a test' });
    introduce(one, two, stranger);
    await connect(two, one);
    for (const term of [2, 3, 4]) {
      const body = new Uint8Array();
      await stranger.transport.request({ address: one.transport.address }, body, 2_000).catch(() => undefined);
      await until(() => one.refusals.length > 0, 'the refusal');
      two.send(1, term);
      await until(() => one.terms.includes(term), `message ${term}`);
    }
    expect(one.refusals).toHaveLength(1);
  });

  test('needs 16 characters and loopback addresses', () => {
    const make = (own: object) => () => new TcpTransport({ listen, randomBytes, ...own });
    expect(make({})).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', issues: [expect.objectContaining({ path: ['secret'] })] }),
    );
    expect(make({ secret: 'x'.repeat(15) })).toThrow(/16 characters/);
    const open = {
      secret,
      listen: { host: '0.0.0.0', port: 0 },
      advertise: '10.0.0.1:7411',
      snapshotBytesPerSecond: 0,
    };
    expect(make(open)).toThrow(
      expect.objectContaining({
        issues: ['listen', 'advertise', 'snapshotBytesPerSecond'].map((name) =>
          expect.objectContaining({ path: [name] }),
        ),
      }),
    );
  });

  test('never leaves the machine: other addresses are not dialled', async () => {
    const one = await TestNode.start(1);
    one.transport.setMembers(new Map([[2, '192.0.2.1:7411']]));
    one.send(2);
    await until(() => one.lost.length > 0);
    const asked = one.transport.request({ address: '192.0.2.1:7411' }, new Uint8Array(), 1_000);
    await expect(asked).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('needs TLS'),
    });
  });

  test('is not proved by passing the handshake on: a program in between is refused', async () => {
    // Another program has taken an address at which node 2 was once, and passes all bytes on to it.
    const between = await FaultProxy.start();
    const [one, two] = [await TestNode.start(1), await TestNode.start(2)];
    between.target = two.transport.address;
    one.transport.setMembers(new Map([[2, between.address]]));
    await until(() => {
      one.send(2);
      return one.refusals.length > 0 && two.refusals.length > 0;
    });
    expect([...one.refusals, ...two.refusals].map(({ code }) => code)).toEqual(['WRONG_NODE', 'WRONG_NODE']);
    expect(two.received).toEqual([]);
  });

  test('is not proved by sending back what the other side has proved', async () => {
    // The node dials a program, which passes the handshake back to the node.
    const between = await FaultProxy.start();
    const node = await TestNode.behind(between, 1);
    node.transport.setMembers(new Map([[2, between.address]]));
    await until(() => {
      node.send(2);
      return node.refusals.length > 0;
    });
    expect(node.refusals[0]?.code).toBe('WRONG_NODE');
    expect(node.peers).toEqual([]);
    expect(node.received).toEqual([]);
  });

  test('is not proved by a recording of another handshake', async () => {
    const recorder = await FaultProxy.start();
    const [node, other] = [await TestNode.behind(recorder, 1), await TestNode.start(2)];
    const recorded: Buffer[] = [];
    recorder.onForward = (bytes) => recorded.push(bytes);
    other.transport.setMembers(new Map([[1, recorder.address]]));
    await connect(other, node);
    await other.transport.close();
    const socket = createConnection(partsOf(node));
    const types = firstFrames(socket);
    socket.write(Buffer.concat(recorded));
    expect(await types).toEqual([frameType.challenge, frameType.refusal]);
    expect(node.peers).toHaveLength(1);
  });
});

describe('a connection that proves nothing', () => {
  test('is closed after the time for the handshake', async () => {
    const node = await TestNode.start(1, { limits: { helloMs: 100 } });
    const socket = createConnection(partsOf(node));
    await closed(socket);
  });

  test('is closed when it has sent 4 kB, or says that it will send more', async () => {
    const node = await TestNode.start(1, { limits: { helloMs: 60_000 } });
    const many = createConnection(partsOf(node));
    const ping = wireFrame(frameType.ping, () => undefined);
    for (let bytes = 0; bytes < 4_200; bytes += ping.length) many.write(ping);
    await closedSoon(many);
    const long = createConnection(partsOf(node));
    long.write(wireFrame(frameType.hello, (to) => to.raw(new Uint8Array(5_000))).subarray(0, 8));
    await closedSoon(long);
  });

  test('does not keep nodes out, however many there are', async () => {
    const limits = { helloMs: 60_000 };
    const [one, two] = [await TestNode.start(1, { limits }), await TestNode.start(2, { limits })];
    introduce(one, two);
    const idle = Array.from({ length: 300 }, () => createConnection(partsOf(two)).on('error', () => undefined));
    await connect(one, two);
    for (const socket of idle) socket.destroy();
  });

  test('cannot disturb the node with any bytes', async () => {
    const [one, two] = [await TestNode.start(1), await TestNode.start(2)];
    introduce(one, two);
    await connect(one, two);
    for (let at = 0; at < 100; at += 1) {
      const socket = createConnection(partsOf(two)).on('error', () => undefined);
      const body = randomBytes(at * 7);
      // Every type of frame, with a right checksum and a body that means nothing.
      socket.write(at % 2 === 0 ? body : wireFrame(at % 16, (to) => to.raw(body)));
      socket.end();
      await closed(socket);
    }
    await connect(one, two);
    expect(two.received.every(({ from }) => from === 1)).toBe(true);
  });
});

describe('a node', () => {
  test('of another cluster is refused, and both sides are told once', async () => {
    const other = await TestNode.start(2, { cluster: 'cd'.repeat(16) });
    await expectRefusal(await TestNode.start(1), other, 'CLUSTER_MISMATCH');
    const [refusal] = other.refusals;
    expect(refusal?.message).toContain('belongs to another cluster');
    await expect(other.transport.request(1, new Uint8Array(), 2_000)).rejects.toMatchObject({
      code: 'CLUSTER_MISMATCH',
    });
  });

  test.each([
    ['release', { release: '1.0.1' }],
    ['schema of the database', { schema: 2 }],
    ['version of Unicode', { analyzer: '2' }],
  ])('with another %s is refused, and cannot join: it could make another state of the same log', async (name, own) => {
    const [one, other] = [await TestNode.start(1), await TestNode.start(2, own)];
    await expectRefusal(one, other, 'INCOMPATIBLE');
    const messages = [...one.refusals, ...other.refusals].map(({ message }) => message);
    expect(messages.some((message) => message.includes(`another ${name}`))).toBe(true);
    const joiner = await TestNode.start(3, { ...own, cluster: '' });
    await expect(
      joiner.transport.request({ address: one.transport.address }, new Uint8Array(), 2_000),
    ).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('stop all, upgrade all, start all'),
    });
  });

  test('that says a wrong address of its own is reached where the members have agreed that it is', async () => {
    const one = await TestNode.start(1, { tls: good });
    const two = await TestNode.start(2, { tls: good, advertise: '127.0.0.1:1' });
    const addresses = new Map([
      [1, one.transport.address],
      [2, `127.0.0.1:${two.transport.port}`],
    ]);
    for (const node of [one, two]) node.transport.setMembers(addresses);
    await connect(two, one);
    await connect(one, two);
    expect([...(await one.transport.request(2, Uint8Array.of(1), 5_000))]).toEqual([1]);
    const path = join(one.folder, 'sent.db');
    writeFileSync(path, 'snapshot');
    expect(await one.transport.sendSnapshot(snapshotMessage(1, 2), path)).toBe(true);
  });

  test('at the address of another one gets none of its messages', async () => {
    const [one, two] = [await TestNode.start(1), await TestNode.start(2)];
    one.transport.setMembers(new Map([[3, two.transport.address]]));
    await until(() => {
      one.send(3);
      return one.refusals.length > 0;
    });
    expect(one.refusals.map(({ code, node }) => [code, node])).toEqual([['WRONG_NODE', 3]]);
    expect(two.received).toEqual([]);
  });

  test('that runs twice is refused twice, and again after one of both was started again', async () => {
    const one = await TestNode.start(1);
    const original = await TestNode.start(2);
    const copy = await TestNode.start(2);
    introduce(one, original);
    copy.transport.setMembers(new Map([[1, one.transport.address]]));
    await connect(original, one);
    const isTold = (node: TestNode) => node.refusals.some(({ code }) => code === 'NODE_DUPLICATE');
    await until(() => {
      copy.send(1);
      original.send(1);
      return isTold(one) && isTold(copy) && isTold(original);
    }, 'both copies are refused');
    expect(one.refusals.filter(({ code }) => code === 'NODE_DUPLICATE').length).toBe(1);
    // Neither of both gets through by trying again.
    const count = one.received.length;
    for (let at = 0; at < 20; at += 1) {
      copy.send(1);
      await sleep(20);
    }
    expect(one.received.length).toBe(count);
    await copy.transport.close();
    await original.transport.close();
    const again = await TestNode.start(2, { start: 2 });
    introduce(one, again);
    await connect(again, one);
    await connect(one, again);
    // The copy has the old start.
    const old = await TestNode.start(2);
    old.transport.setMembers(new Map([[1, one.transport.address]]));
    await until(() => {
      old.send(1);
      return isTold(old);
    });
  });

  test('that runs twice cannot ask either', async () => {
    const [one, original, copy] = [await TestNode.start(1), await TestNode.start(2), await TestNode.start(2)];
    const to = { address: one.transport.address };
    expect([...(await original.transport.request(to, Uint8Array.of(1), 5_000))]).toEqual([1]);
    for (const node of [copy, original])
      await expect(node.transport.request(to, Uint8Array.of(1), 5_000)).rejects.toMatchObject({
        code: 'NODE_DUPLICATE',
      });
  });

  test('that meets a copy of itself is told', async () => {
    const [one, copy] = [await TestNode.start(1), await TestNode.start(1)];
    await expect(
      one.transport.request({ address: copy.transport.address }, new Uint8Array(), 2_000),
    ).rejects.toMatchObject({
      code: 'NODE_DUPLICATE',
    });
    await expect(
      one.transport.request({ address: one.transport.address }, new Uint8Array(), 2_000),
    ).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
    });
  });

  test('cannot send messages in the name of another', async () => {
    const node = await TestNode.start(1);
    for (const message of [heartbeat(3, 1, 5), heartbeat(2, 3, 5)]) {
      const { wire } = await dialAs(2, node);
      wire.send(wireFrame(frameType.message, (to) => writeMessage(to, message)));
      await until(() => wire.hasEnded, 'the connection has ended');
    }
    expect(node.received).toEqual([]);
    expect(node.peers.map((each) => each.node)).toEqual([2, 2]);
  });

  test('that was started again is not heard twice: the connection of its earlier start ends', async () => {
    const node = await TestNode.start(1);
    const earlier = await dialAs(2, node);
    const other = await dialAs(3, node);
    const same = await dialAs(2, node);
    expect([earlier.wire.hasEnded, same.wire.hasEnded]).toEqual([false, false]);
    const later = await dialAs(2, node, 'messages', 2);
    await until(() => earlier.wire.hasEnded && same.wire.hasEnded);
    expect([later.wire.hasEnded, other.wire.hasEnded]).toEqual([false, false]);
  });

  test('that leaves the cluster loses its connections', async () => {
    const one = await TestNode.start(1);
    one.transport.setMembers(
      new Map([
        [1, one.transport.address],
        [2, '127.0.0.1:1'],
      ]),
    );
    const { wire } = await dialAs(2, one);
    one.transport.setMembers(new Map([[1, one.transport.address]]));
    await until(() => wire.hasEnded, 'the connection has ended');
  });
});

async function reconnect(one: TestNode, two: TestNode): Promise<void> {
  for (const node of [one, two]) node.transport.setMembers(new Map());
  introduce(one, two);
  await connect(one, two);
  await connect(two, one);
}

function partsOf(node: TestNode): { readonly host: string; readonly port: number } {
  return { host: '127.0.0.1', port: node.transport.port };
}

/** The types of the frames that arrive before the other side closes the connection. */
async function firstFrames(socket: Socket): Promise<readonly number[]> {
  const types: number[] = [];
  const reader = new WireReader(maxWireBytes);
  socket.on('data', (bytes: Buffer) => {
    reader.push(bytes);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) types.push(frame.type);
  });
  await closed(socket);
  return types;
}

async function closedSoon(socket: Socket): Promise<void> {
  let isClosed = false;
  void closed(socket).then(() => {
    isClosed = true;
  });
  await until(() => isClosed, 'the connection is closed');
}

function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  socket.resume();
  return new Promise((resolve) => socket.on('close', () => resolve()));
}
