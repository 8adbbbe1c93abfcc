import { createConnection } from 'node:net';
import { MemoryError } from '../domain/errors';
import type { Limits } from '../domain/limits';
import { startDeadline } from '../environment/timers';
import { Channel, type ChannelListener } from './channel';
import { decodeError } from './encoding';
import { maxMessageBytes, protocol, type ServerMessage } from './protocol';
import { readAddress } from './socket-address';

const welcomeTimeoutMs = 5_000;

/** A connection to the process that serves a folder, after the greeting (the first message in each direction). */
export interface Connection {
  readonly channel: Channel;
  readonly limits: Limits;
}

/**
 * Connects to the process that serves a folder.
 *
 * @param clientId The client's id, the same for all its connections.
 * @throws STORE_UNREACHABLE, which is retryable if no serving process answered; INVALID_INPUT if other users can write the file with
 * the address
 */
export async function dial(folder: string, clientId: string, listener: ChannelListener): Promise<Connection> {
  const address = readAddress(folder);
  if (address === undefined) throw unreachable(folder, 'no process serves it');
  const socket = createConnection(address.socket);
  const deadline = startDeadline(welcomeTimeoutMs);
  try {
    return await new Promise<Connection>((resolve, reject) => {
      let isWelcome = false;
      socket.once('error', (cause) => reject(unreachable(folder, 'the serving process has exited', cause)));
      const channel = new Channel(socket, maxMessageBytes, {
        onMessage: (message) => {
          if (isWelcome) {
            listener.onMessage(message);
            return;
          }
          const answer = message as ServerMessage;
          isWelcome = answer.t === 'welcome';
          if (answer.t === 'welcome') resolve({ channel, limits: answer.limits });
          else if (answer.t === 'unwelcome') reject(decodeError(answer.error));
          else reject(unreachable(folder, 'the process at its address is not a serving process of this library'));
        },
        onEnd: (ended) => {
          if (isWelcome) listener.onEnd(ended);
          else reject(unreachable(folder, 'the serving process closed the connection'));
        },
      });
      deadline.signal.addEventListener('abort', () => {
        reject(unreachable(folder, `the serving process did not answer within ${welcomeTimeoutMs} ms`));
      });
      channel.send({ hello: protocol, token: address.token, client: clientId });
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    deadline.end();
  }
}

function unreachable(folder: string, reason: string, cause?: unknown): MemoryError {
  const message = `Cannot connect to ${folder}: ${reason}. Open the folder with { serve: true } in one process, or connect with takeOver.`;
  return new MemoryError('STORE_UNREACHABLE', message, cause === undefined ? {} : { cause });
}
