import { MessageChannel } from 'node:worker_threads';

const { port1: there, port2: back } = new MessageChannel();
const waiting: (() => void)[] = [];
// There and back: a port hands out up to a thousand messages before input and output have their turn, but what a port is
// sent from the event of the other one waits for the next turn.
back.on('message', () => back.postMessage(undefined));
there.on('message', () => waiting.shift()?.());
// `on` takes a reference to the event loop; an idle channel must not keep a process alive.
back.unref();
there.unref();

/**
 * Resolves in a later turn of the event loop, after input and output had theirs.
 * A message channel and not `setImmediate`: fake timers replace that, and then no write would ever end.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.length === 0) there.ref();
    waiting.push(() => {
      if (waiting.length === 0) there.unref();
      resolve();
    });
    there.postMessage(undefined);
  });
}
