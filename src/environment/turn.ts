import { MessageChannel } from 'node:worker_threads';

// Taken when the module is loaded: fake timers that are installed later must not hold up a write.
const immediately = globalThis.setImmediate;
// Those of @sinonjs/fake-timers, which Vitest and Jest use, carry their clock.
const isFake = 'clock' in immediately;

/** Resolves in a later turn of the event loop, after input and output had theirs. Real under fake timers, too. */
export const nextTurn: () => Promise<void> = isFake
  ? turnsOfMessages()
  : () => new Promise((resolve) => void immediately(resolve));

/** Turns without timers, at five times the cost. */
function turnsOfMessages(): () => Promise<void> {
  const { port1: there, port2: back } = new MessageChannel();
  const waiting: (() => void)[] = [];
  // There and back: a port hands out up to a thousand messages before input and output have their turn, but what a port is
  // sent from the event of the other one waits for the next turn.
  back.on('message', () => back.postMessage(undefined));
  there.on('message', () => waiting.shift()?.());
  // `on` takes a reference to the event loop; an idle channel must not keep a process alive.
  back.unref();
  there.unref();
  return () =>
    new Promise((resolve) => {
      if (waiting.length === 0) there.ref();
      waiting.push(() => {
        if (waiting.length === 0) there.unref();
        resolve();
      });
      there.postMessage(undefined);
    });
}
