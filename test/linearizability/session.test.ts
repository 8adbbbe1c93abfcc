import { describe, expect, test } from 'vitest';
import {
  checkPositions,
  checkSessions,
  type SessionEvent,
  withReadBeforePosition,
  withStaleSessionRead,
} from './session';

const write = (client: number, revision: number, position: number): SessionEvent => {
  return { client, key: 0, kind: 'write', revision, value: revision * 10, position };
};
const read = (client: number, revision: number, position = 0): SessionEvent => {
  return { client, key: 0, kind: 'read', revision, value: revision * 10, position };
};

describe('a session', () => {
  test('may be behind another one', () => {
    expect(checkSessions([write(1, 1, 5), write(1, 2, 6), read(2, 1), read(1, 2), read(2, 2)])).toBeUndefined();
  });

  test('must see its own writes', () => {
    expect(checkSessions([write(1, 1, 5), write(1, 2, 6), read(1, 1)])?.reason).toContain('revision 2');
  });

  test('must not go back', () => {
    expect(checkSessions([read(2, 2), read(2, 1)])?.reason).toContain('revision 2');
  });

  test('must see the value that was written', () => {
    expect(checkSessions([write(1, 1, 5), { ...read(2, 1), value: 7 }])?.reason).toContain('had the value 10');
  });

  test('gets a stale read planted only where it is one', () => {
    expect(withStaleSessionRead([read(2, 1), read(3, 2)])).toBeUndefined();
    const stale = withStaleSessionRead([write(1, 1, 5), write(1, 2, 6), read(1, 2)]);
    expect(stale?.at(-1)).toEqual(read(1, 1));
  });
});

describe('a read after a position', () => {
  test('must include every write up to it, whoever made it, also if it is heard of later', () => {
    expect(checkPositions([read(2, 1, 6), write(1, 1, 6), write(1, 2, 7)])).toBeUndefined();
    expect(checkPositions([read(2, 1, 7), write(1, 1, 6), write(1, 2, 7)])?.reason).toContain('the write at 7');
  });

  test('gets a stale read planted only where it is one', () => {
    expect(withReadBeforePosition([write(1, 1, 6), read(2, 1, 6)])).toBeUndefined();
    const events = [write(1, 1, 6), write(1, 2, 7), read(2, 2, 7)];
    expect(withReadBeforePosition(events)?.at(-1)).toEqual(read(2, 1, 7));
  });
});
