import { MessageChannel } from 'node:worker_threads';

const { port1, port2 } = new MessageChannel();
const waiting: (() => void)[] = [];
port2.on('message', () => waiting.shift()?.());
// `on` takes a reference to the event loop; an idle channel must not keep a process alive.
port2.unref();

/**
 * Resolves in a later turn of the event loop, after input and output had theirs.
 * A message channel and not `setImmediate`: fake timers replace that, and then no write would ever end.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.length === 0) port2.ref();
    waiting.push(() => {
      if (waiting.length === 0) port2.unref();
      resolve();
    });
    port1.postMessage(undefined);
  });
}
