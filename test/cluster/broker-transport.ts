import { readFile, rename, writeFile } from 'node:fs/promises';
import {
  decodePeerMessage,
  encodePeerMessage,
  type InstallSnapshot,
  MemoryError,
  type NodeAddress,
  type NodeIdentity,
  type PeerMessage,
  type RaftTransport,
  refusalBetween,
  type TransportReceiver,
} from 'multi-agent-memory';

/** What a frame begins with, as JSON. Its body follows. */
interface Header {
  readonly kind: 'message' | 'request' | 'answer' | 'failure' | 'snapshot';
  readonly identity: NodeIdentity;
  /** The subject of the sender. */
  readonly from: string;
  /** Joins a request and its answer. */
  readonly call?: number;
  readonly code?: MemoryError['code'];
  readonly text?: string;
  /** The message of a snapshot, whose file is the body. */
  readonly snapshot?: string;
}

/** A message broker, as programs on several machines use one. It knows subjects and bytes, and nothing of clusters. */
export class Broker {
  readonly #subscribers = new Map<string, (bytes: Uint8Array) => void>();

  subscribe(subject: string, take: (bytes: Uint8Array) => void): void {
    this.#subscribers.set(subject, take);
  }

  unsubscribe(subject: string): void {
    this.#subscribers.delete(subject);
  }

  /** Returns whether anybody has subscribed to the subject. */
  publish(subject: string, bytes: Uint8Array): boolean {
    const copy = bytes.slice();
    setImmediate(() => this.#subscribers.get(subject)?.(copy));
    return this.#subscribers.has(subject);
  }
}

type Waiting = { resolve(body: Uint8Array): void; reject(error: MemoryError): void };

/** A transport over a message broker, written as a user of the library would write it. */
export class BrokerTransport implements RaftTransport {
  readonly #broker: Broker;
  readonly #subject: string;
  readonly #calls = new Map<number, Waiting>();
  readonly #learned = new Map<number, string>();
  #members: ReadonlyMap<number, string> = new Map();
  #receiver: TransportReceiver | undefined;
  #lastCall = 0;
  #isClosed = false;

  constructor(broker: Broker, subject: string) {
    this.#broker = broker;
    this.#subject = subject;
  }

  async start(receiver: TransportReceiver): Promise<void> {
    this.#receiver = receiver;
    this.#broker.subscribe(this.#subject, (bytes) => void this.#take(bytes));
  }

  setMembers(addresses: ReadonlyMap<number, string>): void {
    this.#members = new Map(addresses);
  }

  send(messages: readonly PeerMessage[]): void {
    for (const message of messages) {
      const subject = this.#members.get(message.to) ?? this.#learned.get(message.to);
      const isSent =
        message.kind !== 'snapshot' &&
        subject !== undefined &&
        this.#publish(subject, { kind: 'message' }, encodePeerMessage(message));
      if (!isSent) setImmediate(() => this.#isClosed || this.#receiver?.unreachable(message.to));
    }
  }

  async sendSnapshot(message: InstallSnapshot, path: string): Promise<boolean> {
    const snapshot = Buffer.from(encodePeerMessage(message)).toString('base64');
    const subject = this.#members.get(message.to) ?? this.#learned.get(message.to) ?? '';
    try {
      await this.#call(subject, { kind: 'snapshot', snapshot }, await readFile(path), 10_000);
      return true;
    } catch {
      return false;
    }
  }

  request(to: number | NodeAddress, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const subject = typeof to === 'number' ? (this.#members.get(to) ?? '') : to.address;
    return this.#call(subject, { kind: 'request' }, body, timeoutMs);
  }

  async close(): Promise<void> {
    if (!this.#isClosed) this.#broker.unsubscribe(this.#subject);
    this.#isClosed = true;
  }

  #publish(subject: string, header: Omit<Header, 'identity' | 'from'>, body: Uint8Array): boolean {
    const identity = this.#receiver?.identity();
    if (identity === undefined || this.#isClosed) return false;
    const text = Buffer.from(JSON.stringify({ ...header, identity, from: this.#subject }));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return this.#broker.publish(subject, Buffer.concat([length, text, body]));
  }

  async #call(
    subject: string,
    header: Omit<Header, 'identity' | 'from' | 'call'>,
    body: Uint8Array,
    timeoutMs: number,
  ): Promise<Uint8Array> {
    if (this.#isClosed) throw new MemoryError('STORE_CLOSED', 'The transport was closed.');
    const call = ++this.#lastCall;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const late = () => reject(new MemoryError('STORE_UNREACHABLE', `${subject} did not answer.`));
        timer = setTimeout(late, timeoutMs);
        this.#calls.set(call, { resolve, reject });
        if (!this.#publish(subject, { ...header, call }, body)) late();
      });
    } finally {
      clearTimeout(timer);
      this.#calls.delete(call);
    }
  }

  async #take(bytes: Uint8Array): Promise<void> {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#isClosed) return;
    const end = 4 + Buffer.from(bytes).readUInt32LE(0);
    const header = JSON.parse(Buffer.from(bytes.subarray(4, end)).toString()) as Header;
    const body = bytes.slice(end);
    const { identity, kind, call = 0, from } = header;
    if (kind === 'answer') return this.#calls.get(call)?.resolve(body);
    if (kind === 'failure')
      return this.#calls.get(call)?.reject(new MemoryError(header.code ?? 'STORE_UNREACHABLE', header.text ?? ''));
    const own = receiver.identity();
    const refusal = refusalBetween(own, identity);
    const areMembers = own.cluster !== '' && identity.cluster !== '';
    if (kind === 'message') {
      const message = decodePeerMessage(body);
      if (!areMembers || refusal !== undefined || message.to !== own.node || message.from !== identity.node) return;
      this.#learned.set(identity.node, from);
      receiver.met?.(identity);
      receiver.receive(message);
      return;
    }
    try {
      if (refusal !== undefined) {
        const code = refusal === 'CLUSTER_MISMATCH' ? refusal : 'STORE_UNREACHABLE';
        throw new MemoryError(code, `No connection: ${refusal}.`);
      }
      const answer =
        kind === 'snapshot'
          ? await takeSnapshot(receiver, decodePeerMessage(Buffer.from(header.snapshot ?? '', 'base64')), body)
          : await receiver.request(identity.cluster === '' ? undefined : identity.node, body);
      this.#publish(from, { kind: 'answer', call }, answer);
    } catch (error) {
      const { code, message } = MemoryError.is(error) ? error : new MemoryError('STORE_UNREACHABLE', 'It failed.');
      this.#publish(from, { kind: 'failure', call, code, text: message }, new Uint8Array());
    }
  }
}

async function takeSnapshot(receiver: TransportReceiver, message: PeerMessage, file: Uint8Array): Promise<Uint8Array> {
  const path = message.kind === 'snapshot' ? receiver.snapshotPath(message) : undefined;
  if (message.kind !== 'snapshot' || path === undefined) throw new MemoryError('STORE_UNREACHABLE', 'Not wanted.');
  await writeFile(`${path}.part`, file, { flush: true });
  await rename(`${path}.part`, path);
  await receiver.receiveSnapshot(message, path);
  return new Uint8Array();
}
