import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

interface StoredEvent {
  readonly number: number;
  readonly streamId: string;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

// A client that lost its connection comes back within seconds, so only the last messages of a session are kept.
const maxBytes = 256 * 1024;
// An event costs memory even if its message is short.
const bytesPerEvent = 256;

/**
 * The last events of one session. A client whose connection broke gets those that it missed. A client that missed more than is kept
 * gets an error, so that it does not wait for an answer that never comes.
 */
export class RecentEvents implements EventStore {
  readonly #events: StoredEvent[] = [];
  #bytes = 0;
  #lastNumber = 0;
  /** The number of the last event that is no longer kept. */
  #droppedThrough = 0;

  /** Keeps an event, and drops the oldest ones. Resolves to its id. */
  async storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const number = ++this.#lastNumber;
    const bytes = bytesPerEvent + Buffer.byteLength(JSON.stringify(message));
    this.#events.push({ number, streamId, message, bytes });
    this.#bytes += bytes;
    while (this.#bytes > maxBytes) {
      const dropped = this.#events.shift() as StoredEvent;
      this.#bytes -= dropped.bytes;
      this.#droppedThrough = dropped.number;
    }
    return `${number}_${streamId}`;
  }

  /** The stream of an event; undefined if events after it are no longer kept. */
  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    const { number, streamId } = parseEventId(eventId);
    const isComplete = number >= this.#droppedThrough && number <= this.#lastNumber;
    return isComplete ? streamId : undefined;
  }

  /** Sends the events of the same stream that came after an event. Resolves to the id of the stream. */
  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const { number: last, streamId = '' } = parseEventId(lastEventId);
    // The first event of a stream is empty. It only tells the client an id.
    for (const { number, streamId: stream, message } of [...this.#events])
      if (stream === streamId && number > last && 'jsonrpc' in message) await send(`${number}_${stream}`, message);
    return streamId;
  }
}

function parseEventId(eventId: string): { number: number; streamId?: string } {
  const [, number, streamId] = /^(\d{1,15})_(.+)$/.exec(eventId) ?? [];
  return streamId === undefined ? { number: -1 } : { number: Number(number), streamId };
}
