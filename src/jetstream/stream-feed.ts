import { MemoryError } from '../domain/errors';
import { messageOf } from '../domain/realms';
import { pause } from '../environment/timers';
import type { HostTiming } from '../raft/node/host-timing';
import type { StreamConnection } from './stream-connection';

export interface StreamFeedDeps {
  readonly connection: StreamConnection;
  readonly stream: string;
  readonly timing: HostTiming;
  /** Checks the stream before each consumer. It throws a `MemoryError` if the log must not be followed any more. */
  check(): Promise<void>;
  /** The number of the next message. Asked for each consumer. */
  next(): number;
  /** Takes the next message. Undefined if it is done. */
  onMessage(index: number, bytes: Uint8Array): Promise<void> | undefined;
  /** The messages come again. */
  onFollowing(): void;
  /** Something has happened that no repetition mends. Nothing is called afterwards. */
  fail(error: MemoryError): void;
}

const heartbeatMs = 500;
const maxMissedHeartbeats = 3;
const pullMs = 5_000;
const maxMessages = 64;
const retryMs = 200;
// A consumer that skips a message is made again. If the message does not come then, the stream does not have it.
const maxSkips = 3;
// Messages are applied for so long before input, output and timers get their turn.
const maxMsPerTurn = 10;

/**
 * The messages of the stream, each once and in their order. The consumer lives in the memory of one server, and is gone with it; so it is made
 * again, behind the last message, when its heartbeats are missing or the connection was lost.
 */
export class StreamFeed {
  readonly #deps: StreamFeedDeps;
  readonly #ending = new AbortController();
  #stop: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  #skips = 0;

  constructor(deps: StreamFeedDeps) {
    this.#deps = deps;
  }

  /** Begins. The stream was checked. */
  start(): void {
    this.#running = this.#run();
  }

  /** Makes a new consumer, because the present one may be gone. */
  renew(): void {
    this.#stop?.();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#stop?.();
    await this.#running;
  }

  get #isEnded(): boolean {
    return this.#ending.signal.aborted;
  }

  async #run(): Promise<void> {
    const { check, fail } = this.#deps;
    let isChecked = true;
    while (!this.#isEnded) {
      try {
        if (!isChecked) await check();
        isChecked = false;
        await this.#follow();
      } catch (error) {
        if (this.#isEnded) return;
        if (MemoryError.is(error)) {
          this.#ending.abort();
          fail(error);
          return;
        }
        // The servers do not answer, or the consumer could not be made.
        await pause(retryMs, this.#ending.signal, { keepsAlive: true });
      }
    }
  }

  /** Takes messages until the consumer ends. */
  async #follow(): Promise<void> {
    const { connection, stream, timing, next, onMessage, onFollowing } = this.#deps;
    const { DeliverPolicy } = await import('@nats-io/jetstream');
    const start = { opt_start_seq: next(), deliver_policy: DeliverPolicy.StartSequence };
    const consumer = await connection.consumers.get(stream, start);
    const messages = await consumer.consume({
      idle_heartbeat: heartbeatMs,
      expires: pullMs,
      max_messages: maxMessages,
    });
    let expected = start.opt_start_seq;
    this.#stop = () => messages.stop();
    if (this.#isEnded) this.#stop();
    void this.#watch(messages.status(), this.#stop);
    onFollowing();
    let begun = timing.elapsedMs();
    try {
      for await (const { seq, data } of messages) {
        if (this.#isEnded) return;
        if (seq !== expected) {
          this.#skipped(expected, seq);
          return;
        }
        const applying = onMessage(seq, data);
        if (applying !== undefined) await applying;
        expected++;
        this.#skips = 0;
        if (timing.elapsedMs() - begun < maxMsPerTurn) continue;
        await timing.nextTurn();
        begun = timing.elapsedMs();
      }
    } finally {
      this.#stop = undefined;
      messages.stop();
      // It goes by itself, too, when nobody pulls any more.
      void consumer.delete().catch(() => undefined);
    }
  }

  async #watch(
    status: AsyncIterable<{ readonly type: string; readonly count?: number }>,
    stop: () => void,
  ): Promise<void> {
    try {
      for await (const { type, count = 0 } of status)
        if (type === 'heartbeats_missed' && count >= maxMissedHeartbeats) stop();
    } catch {
      stop();
    }
  }

  /** @throws RECORD_DAMAGED if the stream does not have a message */
  #skipped(expected: number, got: number): void {
    this.#skips++;
    if (this.#skips < maxSkips) return;
    const message = `The stream gives message ${got} where message ${expected} should come. This store keeps what it has, and takes no writes.`;
    throw new MemoryError('RECORD_DAMAGED', message);
  }
}

/** Converts anything that was thrown into an error that ends a store. */
export function fatal(error: unknown): MemoryError {
  return MemoryError.is(error) ? error : new MemoryError('FILE_FAILED', messageOf(error), { cause: error });
}
