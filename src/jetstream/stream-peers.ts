import type { Msg } from '@nats-io/transport-node';
import { MemoryError } from '../domain/errors';
import { messageOf } from '../domain/realms';
import { decodeJson, encodeJson, requestOf } from '../raft/node/node-requests';
import type { LinkStatus } from '../raft/node/raft-link';
import type { StreamConnection } from './stream-connection';

export interface StreamPeersDeps {
  readonly connection: StreamConnection;
  readonly id: number;
  readonly timeoutMs: number;
  /** How far this store has applied the log. */
  applied(): number;
  /** Another store has said how far it has applied the log. */
  onApplied(node: number, index: number): void;
  status(): LinkStatus;
  /** Answers what another store asks and this class does not know. */
  answer(from: number, request: unknown): Promise<unknown>;
}

/** What stores say to each other when they ask how far the others are. */
interface AppliedMessage {
  readonly node: number;
  readonly index: number;
}

/** What the stores on a log tell each other beside the log. All of it may get lost. */
export class StreamPeers {
  readonly #deps: StreamPeersDeps;
  /** The entries that other stores wait for, by the store that asks. */
  readonly #asked = new Map<number, number>();

  constructor(deps: StreamPeersDeps) {
    this.#deps = deps;
  }

  /** Begins to answer. The end of the connection ends it. */
  start(): void {
    const { connection, id, onApplied } = this.#deps;
    connection.nats.subscribe(this.#subjectOf(id), { callback: (_, message) => void this.#answer(message) });
    this.#hear('applied-by', ({ node, index }) => {
      this.#asked.set(node, index);
      this.appliedUpTo(this.#deps.applied());
    });
    this.#hear(`applied.${id}`, ({ node, index }) => onApplied(node, index));
  }

  /** Asks every other store to say when it has applied this entry. */
  askApplied(index: number): void {
    this.#tell('applied-by', index);
  }

  /** This store has applied the log up to here. */
  appliedUpTo(applied: number): void {
    for (const [node, index] of this.#asked) {
      if (index > applied) continue;
      this.#asked.delete(node);
      this.#tell(`applied.${node}`, applied);
    }
  }

  /** Asks another store something. */
  async request(node: number, request: object): Promise<unknown> {
    const { connection, id, timeoutMs } = this.#deps;
    const body = encodeJson({ from: id, ...request });
    const answer = await connection.nats
      .request(this.#subjectOf(node), body, { timeout: timeoutMs })
      .catch((error: unknown) => {
        throw new MemoryError('STORE_UNREACHABLE', `The store ${node} does not answer: ${messageOf(error)}.`);
      });
    const { result, error } = Object(decodeJson(answer.data)) as { readonly result?: unknown; readonly error?: string };
    if (error !== undefined) throw new MemoryError('STORE_UNREACHABLE', `The store ${node} refuses: ${error}`);
    return result;
  }

  async #answer(message: Msg): Promise<void> {
    let answer: object;
    try {
      const asked = decodeJson(message.data);
      const request = requestOf(asked);
      const from = Number(Object(asked).from);
      const { status, answer: answerOf } = this.#deps;
      if (request?.ask === 'status') answer = { result: status() };
      else if (request?.ask === 'user') answer = { result: await answerOf(from, request.request) };
      else answer = { error: 'it does not know the request.' };
    } catch (error) {
      answer = { error: messageOf(error) };
    }
    message.respond(encodeJson(answer));
  }

  #hear(subject: string, onMessage: (message: AppliedMessage) => void): void {
    const { connection, id } = this.#deps;
    const callback = (error: unknown, { data }: Msg) => {
      if (error !== null) return;
      const { node, index } = Object(decodeJson(data)) as Partial<AppliedMessage>;
      if (Number.isSafeInteger(node) && Number.isSafeInteger(index) && node !== id)
        onMessage({ node: node as number, index: index as number });
    };
    connection.nats.subscribe(`${connection.prefix}.${subject}`, { callback });
  }

  #tell(subject: string, index: number): void {
    const { connection, id } = this.#deps;
    if (connection.nats.isClosed()) return;
    const message: AppliedMessage = { node: id, index };
    connection.nats.publish(`${connection.prefix}.${subject}`, encodeJson(message));
  }

  #subjectOf(node: number): string {
    return `${this.#deps.connection.prefix}.node.${node}`;
  }
}
