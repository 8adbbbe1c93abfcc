import type * as library from 'multi-agent-memory';
import type { MemoryStore, OpenOptions } from 'multi-agent-memory';
import { isPlainObject } from '../../src/domain/realms';
import { countingIds } from '../../src/testing/fixtures';
import { type InMemoryClusterOptions, inMemoryCluster } from '../../src/testing/in-memory-cluster';

/**
 * The library with a `MemoryStore` whose `inMemory` returns the store of a node that follows in a cluster of two, so that the tests of a
 * store run on it. A third node would do the same work again; how nodes lag behind others is tested with three, elsewhere.
 */
export function followerLibrary(original: typeof library): typeof library {
  const { MemoryStore: Original } = original;
  class FollowingStore extends (Original as unknown as new () => object) {
    static async inMemory(options: OpenOptions = {}): Promise<MemoryStore> {
      // What a store alone refuses, it refuses itself.
      if (!isForCluster(options)) return Original.inMemory(options);
      const cluster = await inMemoryCluster({ nodes: 2, newId: countingIds(), ...options } as InMemoryClusterOptions);
      const follower = cluster.nodes.find((_, node) => node !== cluster.leader()) as MemoryStore;
      const close = follower.close.bind(follower);
      let closing: Promise<void> | undefined;
      follower.close = () => {
        // The writes on their way need the other nodes, which are closed last. They close this one again, which has no effect.
        closing ??= close().then(() => {
          const closed = closing as Promise<void>;
          follower.close = close;
          return cluster.close().finally(() => {
            follower.close = () => closed;
          });
        });
        return closing;
      };
      return follower;
    }

    static readonly open = Original.open.bind(Original);
    static readonly connect = Original.connect.bind(Original);

    static override [Symbol.hasInstance](value: unknown): boolean {
      return Function.prototype[Symbol.hasInstance].call(Original, value);
    }
  }
  return { ...original, MemoryStore: FollowingStore as unknown as typeof MemoryStore };
}

function isForCluster(options: unknown): boolean {
  const perNode = ['serve', 'cluster', 'readOnly', 'trustFolder', 'nodes', 'seed', 'waitMs'];
  return isPlainObject(options) && perNode.every((name) => !(name in options));
}
