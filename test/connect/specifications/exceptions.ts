import { beforeEach } from 'vitest';

/** What a connected store does in another way than one that is open in the same process, each with the reason. */
const exceptions: Readonly<Record<string, string>> = {
  'of very many goes on in parts, tells how far it has come and can be aborted between them':
    'progress and an abort cross on their way: the holder may have gone on',
  'of a watch is no cursor of a list, and the other way round':
    'a cursor of a watch is looked at by the holder, and refused with the first reading',
  'takes a cursor of the same principal inside the same bounds, and no other':
    'a cursor of a watch is looked at by the holder, and refused with the first reading',
  'ends when the store closes while it waits': 'a change may be on its way when the connection closes',
  'is checked when it is delivered: what may no longer be read is passed over':
    'the next change is asked for by a message, which later rules may overtake',
  'that fails, fails the write: nothing is stored, and the cause is kept':
    'a cause comes with its name and message, and is not the same object',
};

/** Leaves out what differs, and says why. */
export function leaveOutExceptions(): void {
  beforeEach(({ task, skip }) => {
    const reason = exceptions[task.name];
    if (reason !== undefined) skip(reason);
  });
}
