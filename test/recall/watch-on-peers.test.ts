import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { root } from '../../src/domain/principal';
import { openInMemory } from '../../src/store/composition/compose';
import { Lifetime } from '../../src/store/lifetime';
import { parseOptions } from '../../src/store/open-options';
import { PrincipalHandle } from '../../src/store/principal-handle';
import { openToAll } from '../store/stores';

const namespace = ['n'];

/** The host's handle of a store. Stores in memory have the same secret and give the same ids, as peers of one cluster do. */
async function openPeer({ hasPeers }: { readonly hasPeers: boolean }): Promise<PrincipalHandle> {
  const engine = await openInMemory(parseOptions({ access: openToAll }));
  const lifetime = new Lifetime();
  onTestFinished(async () => {
    await lifetime.end();
    await engine.close();
  });
  // The first entry of a log is empty: a new leader adds it.
  if (hasPeers) engine.state.applyEntry({ index: 1, term: 1 });
  return new PrincipalHandle(engine, lifetime, root, {});
}

async function write(peer: PrincipalHandle, ...texts: string[]): Promise<void> {
  for (const text of texts) await peer.remember(text, { namespace, embed: false });
}

/** A cursor that points to the second change of a peer that is ahead. */
async function cursorOfSecond(): Promise<string> {
  const ahead = await openPeer({ hasPeers: true });
  await write(ahead, 'one', 'two');
  const cursors: string[] = [];
  for await (const { cursor } of ahead.watch({ since: 'start' })) if (cursors.push(cursor) === 2) break;
  return cursors[1] as string;
}

/** The text of the next change, or 'nothing yet' after some turns of the event loop without one. */
function settled(next: Promise<IteratorResult<{ memory?: { text: string } }>>): Promise<string | undefined> {
  const turns = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    return 'nothing yet';
  };
  return Promise.race([next.then(({ value }) => value?.memory?.text), turns()]);
}

describe('a watch from a cursor of another peer', () => {
  test('waits until this peer has applied the change, and then continues after it', async () => {
    const since = await cursorOfSecond();
    const behind = await openPeer({ hasPeers: true });
    await write(behind, 'one');
    const changes = behind.watch({ since })[Symbol.asyncIterator]();
    const next = changes.next();
    expect(await settled(next)).toBe('nothing yet');
    await write(behind, 'two', 'three');
    expect(await settled(next)).toBe('three');
    await changes.return?.();
  });

  test('begins with the first change if this peer does not get the change within 30 seconds', async () => {
    const since = await cursorOfSecond();
    const behind = await openPeer({ hasPeers: true });
    await write(behind, 'one');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const changes = behind.watch({ since })[Symbol.asyncIterator]();
    const next = changes.next();
    vi.advanceTimersByTime(29_000);
    expect(await settled(next)).toBe('nothing yet');
    vi.advanceTimersByTime(2_000);
    expect(await settled(next)).toBe('one');
    await changes.return?.();
  });

  test('ends at once if its consumer leaves while it waits', async () => {
    const since = await cursorOfSecond();
    const behind = await openPeer({ hasPeers: true });
    const changes = behind.watch({ since })[Symbol.asyncIterator]();
    const next = changes.next();
    await changes.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test('begins with the first change at once in a store without peers, which has lost the change', async () => {
    const since = await cursorOfSecond();
    const restored = await openPeer({ hasPeers: false });
    await write(restored, 'one');
    const changes = restored.watch({ since })[Symbol.asyncIterator]();
    expect(await settled(changes.next())).toBe('one');
    await changes.return?.();
  });
});
