import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '../../../src/domain/crc32c';
import { ByteReader } from '../../../src/log/codec/byte-reader';
import type { Append, PeerMessage } from '../../../src/raft/core/messages';
import { messageBytes, readMessage, writeMessage } from '../../../src/raft/transport/message-codec';
import type { TransportReceiver } from '../../../src/raft/transport/raft-transport';
import { TcpTransport } from '../../../src/raft/transport/tcp-transport';
import { frameType, wireFrame } from '../../../src/raft/transport/wire-frames';
import { TestAuthority } from './certificates';

// Run with `npx tsx test/raft/transport/measure.ts`. Both nodes are in one process, so its processor time is that of both sides.

const folder = mkdtempSync(join(tmpdir(), 'raft-measure-'));
const commandBytes = 2_300;
const commandsPerMessage = 64;
const windowMessages = 32;

/** An append with one entry: a frame of 64 commands. */
function append(index: number): Append {
  const data = randomBytes(commandBytes * commandsPerMessage);
  const entries = [{ kind: 'normal' as const, term: 3, index, data }];
  return { kind: 'append', from: 1, to: 2, term: 3, previousIndex: index - 1, previousTerm: 3, entries, commit: 1 };
}

const heartbeat: PeerMessage = { kind: 'heartbeat', from: 1, to: 2, term: 3, commit: 4, readRound: 0 };

async function main(): Promise<void> {
  const authority = new TestAuthority();
  const issued = authority.issue({ names: ['127.0.0.1'] });
  const tls = () => ({ ...issued, ca: authority.cert });
  codec();
  for (const [name, proof] of [
    ['plain', { secret: 'a secret to measure with' }],
    ['TLS 1.3', { tls }],
  ] as const) {
    const pair = await connected(proof);
    await measure(`${name}, heartbeats`, pair, heartbeat, 200_000, 64);
    await measure(`${name}, appends of 64 x 2.3 kB`, pair, append(8), 4_000, 1);
    await latency(name, pair);
    await snapshot(name, pair);
    await pair.close();
  }
}

function codec(): void {
  const message = append(8);
  const rounds = 2_000;
  const frame = wireFrame(frameType.message, (to) => writeMessage(to, message), messageBytes(message));
  const body = frame.subarray(9);
  for (const [name, run] of [
    [
      'encode and checksum',
      () => wireFrame(frameType.message, (to) => writeMessage(to, message), messageBytes(message)),
    ],
    ['decode', () => readMessage(new ByteReader(body))],
    ['checksum', () => crc32c(body)],
  ] as const) {
    for (let at = 0; at < 200; at += 1) run();
    const began = process.cpuUsage();
    for (let at = 0; at < rounds; at += 1) run();
    const { user, system } = process.cpuUsage(began);
    console.log(`codec, ${name}: ${((user + system) / rounds / commandsPerMessage).toFixed(2)} us a command`);
  }
}

interface Pair {
  readonly one: TcpTransport;
  readonly two: TcpTransport;
  received: number;
  onReceived: () => void;
  close(): Promise<void>;
}

async function connected(proof: object): Promise<Pair> {
  const make = () => new TcpTransport({ listen: { host: '127.0.0.1', port: 0 }, randomBytes, ...proof });
  const [one, two] = [make(), make()];
  const pair: Pair = {
    one,
    two,
    received: 0,
    onReceived: () => undefined,
    close: async () => {
      await one.close();
      await two.close();
    },
  };
  await one.start(receiver(1, () => undefined));
  await two.start(
    receiver(2, () => {
      pair.received += 1;
      pair.onReceived();
    }),
  );
  one.setMembers(new Map([[2, two.address]]));
  while (pair.received === 0) {
    one.send([heartbeat]);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return pair;
}

/** Sends `count` messages, `batch` at a time, with a bounded number on the way. */
async function measure(name: string, pair: Pair, message: PeerMessage, count: number, batch: number): Promise<void> {
  const window = batch * windowMessages;
  const send = () => pair.one.send(Array.from({ length: batch }, () => message));
  pair.received = 0;
  const [began, used] = [performance.now(), process.cpuUsage()];
  let sent = 0;
  await new Promise<void>((resolve) => {
    pair.onReceived = () => {
      while (sent < count && sent - pair.received < window) {
        send();
        sent += batch;
      }
      if (pair.received >= count) resolve();
    };
    pair.onReceived();
  });
  pair.onReceived = () => undefined;
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(used);
  const perMessage = (user + system) / count;
  const perCommand = message.kind === 'append' ? `, ${(perMessage / commandsPerMessage).toFixed(2)} us a command` : '';
  const rate = (count * messageBytes(message)) / seconds / 1e6;
  console.log(
    `${name}: ${Math.round(count / seconds)} messages/s, ${rate.toFixed(0)} MB/s, ${perMessage.toFixed(1)} us CPU a message on both sides together${perCommand}`,
  );
}

async function latency(name: string, pair: Pair): Promise<void> {
  const times: number[] = [];
  for (let at = 0; at < 500; at += 1) {
    const began = performance.now();
    await new Promise<void>((resolve) => {
      pair.onReceived = resolve;
      pair.one.send([heartbeat]);
    });
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  console.log(
    `${name}: a message arrives after ${times[250]!.toFixed(3)} ms (median), ${times[475]!.toFixed(3)} ms (95 %)`,
  );
}

/** Sends a file of 200 MB. */
async function snapshot(name: string, { one }: Pair): Promise<void> {
  const megabytes = 200;
  const path = join(folder, 'sent.db');
  writeFileSync(path, randomBytes(megabytes * 1e6));
  const configuration = { voters: [1, 2], outgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const taken = { index: 9, term: 3, configuration, data: new Uint8Array() };
  const [began, used] = [performance.now(), process.cpuUsage()];
  const isTaken = await one.sendSnapshot({ kind: 'snapshot', from: 1, to: 2, term: 3, snapshot: taken }, path);
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(used);
  const cpu = ((user + system) / 1e3 / megabytes).toFixed(1);
  console.log(
    `${name}, snapshot: ${isTaken}, ${(megabytes / seconds).toFixed(0)} MB/s, ${cpu} ms CPU a MB on both sides together`,
  );
}

function receiver(node: number, receive: () => void): TransportReceiver {
  const identity = { cluster: 'ab'.repeat(16), node, start: 1, release: '1.0.0', schema: 1, analyzer: '1' };
  return {
    identity: () => identity,
    receive,
    request: async (_, body) => body,
    snapshotPath: () => join(folder, 'received.db'),
    receiveSnapshot: async () => undefined,
    unreachable: () => undefined,
  };
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
