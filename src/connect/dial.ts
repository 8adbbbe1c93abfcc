import { createConnection } from 'node:net';
import { MemoryError } from '../domain/errors';
import type { Limits } from '../domain/limits';
import { startDeadline } from '../environment/timers';
import { Channel, type Listener } from './channel';
import { decodeError } from './encoded-errors';
import { type HolderMessage, maxMessageBytes, protocol } from './protocol';
import { findAddress } from './socket-address';

const welcomeTimeoutMs = 5_000;

/** A connection to the holder of a folder. */
export interface Line {
  readonly channel: Channel;
  readonly limits: Limits;
}

/**
 * Connects to whoever serves a folder now.
 *
 * @throws STORE_UNREACHABLE, retryable where nobody answers; INVALID_INPUT where the folder is open to others
 */
export async function dial(folder: string, client: string, listener: Listener): Promise<Line> {
  const address = findAddress(folder);
  if (address === undefined) throw unreachable(folder, 'nobody serves it');
  const socket = createConnection(address.socket);
  const deadline = startDeadline(welcomeTimeoutMs);
  try {
    return await new Promise<Line>((resolve, reject) => {
      let isWelcome = false;
      socket.once('error', (cause) => reject(unreachable(folder, 'its holder is gone', cause)));
      const channel = new Channel(socket, maxMessageBytes, {
        onMessage: (message) => {
          if (isWelcome) {
            listener.onMessage(message);
            return;
          }
          const answer = message as HolderMessage;
          isWelcome = answer.t === 'welcome';
          if (answer.t === 'welcome') resolve({ channel, limits: answer.limits });
          else if (answer.t === 'unwelcome') reject(decodeError(answer.error));
          else reject(unreachable(folder, 'what answers there is no holder'));
        },
        onEnd: (ended) => (isWelcome ? listener.onEnd(ended) : reject(unreachable(folder, 'its holder has just gone'))),
      });
      deadline.signal.addEventListener('abort', () => reject(unreachable(folder, 'its holder does not answer')));
      channel.send({ hello: protocol, token: address.token, client });
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    deadline.end();
  }
}

function unreachable(folder: string, why: string, cause?: unknown): MemoryError {
  const message = `The folder ${folder} cannot be reached: ${why}. Open it with { serve: true } in some process, or connect with takeOver.`;
  return new MemoryError('STORE_UNREACHABLE', message, cause === undefined ? {} : { cause });
}
