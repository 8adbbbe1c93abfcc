import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CallOptions } from '../../src/domain/calls';
import { MemoryError } from '../../src/domain/errors';
import { batchingEmbedder } from '../../src/embedding/batching/batching-embedder';
import { builtInEmbedder } from '../../src/embedding/built-in/built-in-embedder';
import type { Embedder } from '../../src/embedding/embedder';
import { markTextFailure } from '../../src/embedding/results';
import { embedderConformance } from '../../src/testing/embedder-conformance';

/** An embedder whose batches the test ends itself, in the order in which they began. */
class HeldEmbedder implements Embedder {
  readonly space = { model: 'held', dimensions: 2, normalized: false };
  readonly maxTokens = 100;
  readonly batches: string[][] = [];
  readonly signals: AbortSignal[] = [];
  readonly queries: string[] = [];
  readonly #open: { texts: readonly string[]; resolve(vectors: Float32Array[]): void; reject(error: unknown): void }[] =
    [];

  embedDocuments(texts: readonly string[], { signal }: CallOptions): Promise<Float32Array[]> {
    this.batches.push([...texts]);
    if (signal) this.signals.push(signal);
    return new Promise((resolve, reject) => this.#open.push({ texts, resolve, reject }));
  }

  async embedQuery(text: string): Promise<Float32Array> {
    this.queries.push(text);
    return Float32Array.of(0, text.length);
  }

  async finish(vectorOf = (text: string) => Float32Array.of(text.length, 0)): Promise<void> {
    const { texts, resolve } = this.#open.shift()!;
    resolve(texts.map(vectorOf));
    await turn();
  }

  async fail(error: unknown): Promise<void> {
    this.#open.shift()!.reject(error);
    await turn();
  }
}

/** Lets everything run that waits for nothing but promises. */
const turn = () => new Promise<void>((resolve) => process.nextTick(() => process.nextTick(resolve)));

/** An embedder that returns whatever the test says. */
function returning(vectors: unknown): Embedder {
  return {
    space: { model: 'returning', dimensions: 2, normalized: true },
    maxTokens: 100,
    embedDocuments: async () => vectors as Float32Array[],
    embedQuery: async () => (vectors as Float32Array[])[0]!,
  };
}

function throwing(error: unknown): Embedder {
  const fail = () => {
    throw error;
  };
  return { ...returning([]), embedDocuments: fail, embedQuery: fail };
}

describe('over the built-in embedder', () => {
  for (const { name, run } of embedderConformance(async () => batchingEmbedder(builtInEmbedder()))) test(name, run);
});

describe('callers share batches', () => {
  test('those that arrive together', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const calls = [embedder.embedDocuments(['a', 'b'], {}), embedder.embedDocuments(['b', 'c'], {})];
    await turn();
    expect(inner.batches).toEqual([['a', 'b', 'c']]);
    await inner.finish();
    expect((await Promise.all(calls)).map((vectors) => vectors.length)).toEqual([2, 2]);
  });

  test('those that arrive while a batch is running go into the next', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const calls = [embedder.embedDocuments(['a'], {})];
    await turn();
    for (const text of ['b', 'a', 'c']) calls.push(embedder.embedDocuments([text], {}));
    await turn();
    expect(inner.batches).toEqual([['a']]);
    await inner.finish();
    expect(inner.batches).toEqual([['a'], ['b', 'c']]);
    await inner.finish();
    await Promise.all(calls);
  });

  test('many texts go in several batches, and come back in order', async () => {
    const sizes: number[] = [];
    const builtIn = builtInEmbedder();
    const counted: Embedder = {
      ...builtIn,
      embedDocuments: (texts, call) => {
        sizes.push(texts.length);
        return builtIn.embedDocuments(texts, call);
      },
    };
    const texts = Array.from({ length: 600 }, (_, i) => `text number ${i}`);
    const vectors = await batchingEmbedder(counted).embedDocuments(texts, {});
    expect(sizes).toEqual([256, 256, 88]);
    expect(vectors[599]).toEqual(await batchingEmbedder(builtIn).embedQuery(texts[599]!, {}));
  });

  test('short texts go first, so that a model that fills them up has little to fill', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const calls = [
      embedder.embedDocuments(['long long', 'mid'], {}),
      embedder.embedDocuments(['a', 'bcde', 'xyz'], {}),
    ];
    await turn();
    expect(inner.batches).toEqual([['a', 'mid', 'xyz', 'bcde', 'long long']]);
    await inner.finish();
    const [first, second] = await Promise.all(calls);
    expect([...first!, ...second!].map(([length]) => length)).toEqual([1, 1, 1, 1, 1]);
  });

  test('the same query is asked once, and never stands for a document', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const queries = await Promise.all([embedder.embedQuery('a', {}), embedder.embedQuery('a', {})]);
    const documents = embedder.embedDocuments(['a'], {});
    await turn();
    await inner.finish();
    expect(inner.queries).toEqual(['a']);
    expect(queries).toEqual([Float32Array.of(0, 1), Float32Array.of(0, 1)]);
    expect(await documents).toEqual([Float32Array.of(1, 0)]);
  });

  test('a query does not wait for documents', async () => {
    const embedder = batchingEmbedder(new HeldEmbedder());
    void embedder.embedDocuments(['a'], {});
    expect(await embedder.embedQuery('b', {})).toEqual(Float32Array.of(0, 1));
  });
});

describe('texts seen before come from a cache', () => {
  const counting = () => {
    const builtIn = builtInEmbedder();
    const embedDocuments = vi.fn(builtIn.embedDocuments);
    return { ...builtIn, embedDocuments };
  };

  test('by content', async () => {
    const inner = counting();
    const embedder = batchingEmbedder(inner);
    const [first] = await embedder.embedDocuments(['refund'], {});
    expect((await embedder.embedDocuments(['refund'], {}))[0]).toEqual(first);
    expect(inner.embedDocuments).toHaveBeenCalledTimes(1);
  });

  test('of bounded size: what was used least recently goes first', async () => {
    const inner = counting();
    // Room for two vectors of 256 numbers with their short texts.
    const embedder = batchingEmbedder(inner, { cacheBytes: 2800 });
    for (const text of ['a', 'b', 'a', 'c', 'a', 'b']) await embedder.embedDocuments([text], {});
    expect(inner.embedDocuments.mock.calls.map(([texts]) => texts[0])).toEqual(['a', 'b', 'c', 'b']);
  });

  test('or not at all', async () => {
    const inner = counting();
    const embedder = batchingEmbedder(inner, { cacheBytes: 0 });
    for (const text of ['a', 'a']) await embedder.embedDocuments([text], {});
    expect(inner.embedDocuments).toHaveBeenCalledTimes(2);
  });

  test('failures are not kept', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const failing = expect(embedder.embedDocuments(['a'], {})).rejects.toThrow('held failed');
    await turn();
    await inner.fail(new Error('busy'));
    await failing;
    const again = embedder.embedDocuments(['a'], {});
    await turn();
    await inner.finish();
    expect(await again).toHaveLength(1);
  });
});

describe('what an embedder returns is checked', () => {
  test('vectors come out at length 1, and the space says so', async () => {
    const embedder = batchingEmbedder(returning([Float32Array.of(3, 4)]));
    expect(embedder.space.normalized).toBe(true);
    const [vector] = await embedder.embedDocuments(['a'], {});
    expect([...vector!].map((x) => x.toFixed(6))).toEqual(['0.600000', '0.800000']);
  });

  test('plain arrays of numbers are taken', async () => {
    expect(await batchingEmbedder(returning([[0, 2]])).embedDocuments(['a'], {})).toEqual([Float32Array.of(0, 1)]);
  });

  test('what is kept is a copy', async () => {
    const reused = Float32Array.of(1, 0);
    const embedder = batchingEmbedder(returning([reused]));
    await embedder.embedDocuments(['a'], {});
    reused.fill(Number.NaN);
    expect(await embedder.embedDocuments(['a'], {})).toEqual([Float32Array.of(1, 0)]);
  });

  test.each([
    ['a missing vector', []],
    ['a vector too many', [Float32Array.of(1, 0), Float32Array.of(1, 0)]],
    ['nothing', undefined],
    ['no vector in the place of one', [undefined]],
    ['text', ['1,0']],
    ['too few numbers', [Float32Array.of(1)]],
    ['too many numbers', [Float32Array.of(1, 0, 0)]],
    ['NaN', [Float32Array.of(Number.NaN, 1)]],
    ['infinity', [Float32Array.of(Number.POSITIVE_INFINITY, 1)]],
    ['a number beyond 32 bits', [[1e300, 1]]],
    ['a hole in an array', [[undefined, 1]]],
    ['null in an array', [[null, 1]]],
    ['a text in an array', [['1', 1]]],
    ['zeros', [Float32Array.of(0, 0)]],
  ])('%s is EMBEDDING_FAILED, and no use repeating', async (_, vectors) => {
    const embedder = batchingEmbedder(returning(vectors));
    await expect(embedder.embedDocuments(['a'], {})).rejects.toMatchObject({
      code: 'EMBEDDING_FAILED',
      retryable: false,
    });
  });

  test('a bad vector fails those who asked for it, and not their neighbours', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const good = embedder.embedDocuments(['good'], {});
    const bad = expect(embedder.embedDocuments(['bad'], {})).rejects.toThrow('not finite');
    await turn();
    await inner.finish((text) => Float32Array.of(text === 'bad' ? Number.NaN : 1, 0));
    await bad;
    expect(await good).toEqual([Float32Array.of(1, 0)]);
  });
});

describe('what an embedder throws', () => {
  test('reaches everyone in the batch, as EMBEDDING_FAILED with its cause', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const cause = new TypeError('fetch failed');
    const calls = ['a', 'b'].map((text) => embedder.embedDocuments([text], {}));
    await turn();
    await inner.fail(cause);
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({ code: 'EMBEDDING_FAILED', retryable: true, cause });
    }
  });

  test('before it returns a promise is caught as well, in documents and queries', async () => {
    const cause = new Error('no key');
    const embedder = batchingEmbedder(throwing(cause));
    await expect(embedder.embedDocuments(['a'], {})).rejects.toMatchObject({ code: 'EMBEDDING_FAILED', cause });
    await expect(embedder.embedQuery('a', {})).rejects.toMatchObject({ code: 'EMBEDDING_FAILED', cause });
  });

  test.each([[undefined], [null], ['busy'], [{}], [Object.create(null)], [Symbol('s')]])(
    'may be anything, and the next batch runs: %o',
    async (thrown) => {
      const inner = new HeldEmbedder();
      const embedder = batchingEmbedder(inner);
      const failing = expect(embedder.embedDocuments(['a'], {})).rejects.toMatchObject({ code: 'EMBEDDING_FAILED' });
      await turn();
      await inner.fail(thrown);
      await failing;
      const next = embedder.embedDocuments(['b'], {});
      await turn();
      await inner.finish();
      expect(await next).toHaveLength(1);
    },
  );

  test('passes through when it is a MemoryError', async () => {
    const missing = new MemoryError('EMBEDDER_MISSING', 'No model here.');
    await expect(batchingEmbedder(throwing(missing)).embedQuery('a', {})).rejects.toBe(missing);
  });

  test('does not keep the next batch from running', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const failing = expect(embedder.embedDocuments(['a'], {})).rejects.toThrow();
    await turn();
    const next = embedder.embedDocuments(['b'], {});
    await inner.fail(new Error('busy'));
    await failing;
    await inner.finish();
    expect(await next).toHaveLength(1);
  });
});

describe('a provider that refuses a text', () => {
  /** Refuses what `isBad` says, and whatever is in one batch with it. */
  function refusing(isBad: (text: string) => boolean, blame = markTextFailure) {
    const batches: number[] = [];
    const embedder: Embedder = {
      ...returning([]),
      embedDocuments: async (texts) => {
        batches.push(texts.length);
        if (texts.some(isBad)) throw blame(new MemoryError('EMBEDDING_FAILED', 'Refused.'));
        return texts.map((text) => Float32Array.of(text.length, 1));
      },
    };
    return { batches, embedder: batchingEmbedder(embedder) };
  }
  const texts = Array.from({ length: 256 }, (_, i) => `text ${i}`);

  test.each([[1], [2]])('fails those whose text it is, and not their neighbours: %i of 256', async (count) => {
    const bad = texts.filter((_, i) => i % 200 === 7).slice(0, count);
    const { embedder, batches } = refusing((text) => bad.includes(text));
    const outcomes = await Promise.allSettled(texts.map((text) => embedder.embedDocuments([text], {})));
    expect(texts.filter((_, i) => outcomes[i]!.status === 'rejected')).toEqual(bad);
    // One batch and the halves on the way to each text.
    expect(batches.length).toBeLessThanOrEqual(1 + 2 * 8 * count);
  });

  test('is not asked about each of many: then it is no fault of theirs', async () => {
    const { embedder, batches } = refusing(() => true);
    const outcomes = await Promise.allSettled(texts.map((text) => embedder.embedDocuments([text], {})));
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(batches.length).toBeLessThan(40);
  });

  test('and one that fails for another reason is not asked again', async () => {
    const { embedder, batches } = refusing(
      () => true,
      (error) => error,
    );
    await Promise.allSettled(texts.map((text) => embedder.embedDocuments([text], {})));
    expect(batches).toEqual([256]);
  });
});

describe('a caller that aborts', () => {
  const reason = new Error('no longer wanted');

  test('hears its own reason at once, and the others get their vectors', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const controller = new AbortController();
    const aborted = embedder.embedDocuments(['a'], { signal: controller.signal });
    const other = embedder.embedDocuments(['a', 'b'], {});
    await turn();
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    expect(inner.signals[0]!.aborted).toBe(false);
    await inner.finish();
    expect(await other).toHaveLength(2);
  });

  test('when it was the last, the batch is aborted, and the next does not wait for it', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const controller = new AbortController();
    const aborted = embedder.embedDocuments(['a'], { signal: controller.signal });
    await turn();
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    expect(inner.signals[0]!.aborted).toBe(true);
    const again = embedder.embedDocuments(['a'], {});
    await turn();
    expect(inner.batches).toEqual([['a'], ['a']]);
    await inner.finish();
    await inner.finish();
    expect(await again).toHaveLength(1);
  });

  test('before its batch begins leaves its texts out of it', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const controller = new AbortController();
    void embedder.embedDocuments(['a'], {});
    await turn();
    const aborted = embedder.embedDocuments(['b'], { signal: controller.signal });
    const waiting = embedder.embedDocuments(['c'], {});
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await inner.finish();
    expect(inner.batches).toEqual([['a'], ['c']]);
    await inner.finish();
    expect(await waiting).toHaveLength(1);
  });

  test('a signal is not aborted by an embedder that has finished', async () => {
    const inner = new HeldEmbedder();
    const call = batchingEmbedder(inner).embedDocuments(['a'], {});
    await turn();
    await inner.finish();
    await call;
    expect(inner.signals[0]!.aborted).toBe(false);
  });

  test('a hundred callers may share a signal without a warning', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning.message);
    process.on('warning', onWarning);
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const { signal } = new AbortController();
    const calls = Array.from({ length: 100 }, (_, i) => embedder.embedDocuments([`${i}x`], { signal }));
    await turn();
    await inner.finish();
    await Promise.all(calls);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});

describe('under fake timers', () => {
  afterEach(() => void vi.useRealTimers());

  test('everything works', async () => {
    vi.useFakeTimers();
    const embedder = batchingEmbedder(builtInEmbedder());
    const calls = [embedder.embedDocuments(['a'], {}), embedder.embedDocuments(['b'], {})];
    expect((await Promise.all(calls)).flat()).toHaveLength(2);
    expect(await embedder.embedQuery('a', {})).toHaveLength(256);
    expect(vi.getTimerCount()).toBe(0);
  });
});
