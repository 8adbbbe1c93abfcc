let last = 0;

/** Names a stream or an upload: a number that no other of this process has. */
export function newNumber(): number {
  return ++last;
}
