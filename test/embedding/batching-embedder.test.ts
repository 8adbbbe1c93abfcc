import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CallOptions } from '../../src/domain/calls';
import { MemoryError } from '../../src/domain/errors';
import { batchingEmbedder } from '../../src/embedding/batching/batching-embedder';
import { builtInEmbedder } from '../../src/embedding/built-in/built-in-embedder';
import type { Embedder } from '../../src/embedding/embedder';
import { markTextFailure } from '../../src/providers/text-failure';
import { embedderConformance } from '../../src/testing/embedder-conformance';

/** An embedder whose batches wait until the test finishes or fails them, in the order in which they began. */
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

/** Waits until all promise callbacks have run. */
const turn = () => new Promise<void>((resolve) => process.nextTick(() => process.nextTick(resolve)));

/** An embedder that always returns these vectors. */
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

describe('a batching embedder that uses the built-in embedder', () => {
  for (const { name, run } of embedderConformance(async () => batchingEmbedder(builtInEmbedder()))) test(name, run);
});

describe('batches', () => {
  test('combine the texts of calls in the same turn of the event loop', async () => {
    const inner = new HeldEmbedder();
    const embedder = batchingEmbedder(inner);
    const calls = [embedder.embedDocuments(['a', 'b'], {}), embedder.embedDocuments(['b', 'c'], {})];
    await turn();
    expect(inner.batches).toEqual([['a', 'b', 'c']]);
    await inner.finish();
    expect((await Promise.all(calls)).map((vectors) => vectors.length)).toEqual([2, 2]);
  });

  test('combine the texts of calls that arrive while a batch runs', async () => {
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

  test('have at most 256 texts, and return the vectors in order', async () => {
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

  test('sort texts by length, so that models need little padding', async () => {
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

  test('embed a query once if it is asked several times at once, and never use a query vector for a document', async () => {
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

  test('do not delay queries', async () => {
    const embedder = batchingEmbedder(new HeldEmbedder());
    void embedder.embedDocuments(['a'], {});
    expect(await embedder.embedQuery('b', {})).toEqual(Float32Array.of(0, 1));
  });
});

describe('the cache', () => {
  const counting = () => {
    const builtIn = builtInEmbedder();
    const embedDocuments = vi.fn(builtIn.embedDocuments);
    return { ...builtIn, embedDocuments };
  };

  test('returns the vector of an earlier equal text', async () => {
    const inner = counting();
    const embedder = batchingEmbedder(inner);
    const [first] = await embedder.embedDocuments(['refund'], {});
    expect((await embedder.embedDocuments(['refund'], {}))[0]).toEqual(first);
    expect(inner.embedDocuments).toHaveBeenCalledTimes(1);
  });

  test('evicts the vector that was not used for the longest time if it exceeds `cacheBytes`', async () => {
    const inner = counting();
    // Enough for two vectors of 256 numbers with short texts.
    const embedder = batchingEmbedder(inner, { cacheBytes: 2800 });
    for (const text of ['a', 'b', 'a', 'c', 'a', 'b']) await embedder.embedDocuments([text], {});
    expect(inner.embedDocuments.mock.calls.map(([texts]) => texts[0])).toEqual(['a', 'b', 'c', 'b']);
  });

  test('stores nothing with `cacheBytes: 0`', async () => {
    const inner = counting();
    const embedder = batchingEmbedder(inner, { cacheBytes: 0 });
    for (const text of ['a', 'a']) await embedder.embedDocuments([text], {});
    expect(inner.embedDocuments).toHaveBeenCalledTimes(2);
  });

  test('does not store failures', async () => {
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

describe('returned vectors', () => {
  test('are scaled to length 1, and the space is declared as normalized', async () => {
    const embedder = batchingEmbedder(returning([Float32Array.of(3, 4)]));
    expect(embedder.space.normalized).toBe(true);
    const [vector] = await embedder.embedDocuments(['a'], {});
    expect([...vector!].map((x) => x.toFixed(6))).toEqual(['0.600000', '0.800000']);
  });

  test('may be plain arrays of numbers', async () => {
    expect(await batchingEmbedder(returning([[0, 2]])).embedDocuments(['a'], {})).toEqual([Float32Array.of(0, 1)]);
  });

  test('are copied, so that the embedder may reuse its array', async () => {
    const reused = Float32Array.of(1, 0);
    const embedder = batchingEmbedder(returning([reused]));
    await embedder.embedDocuments(['a'], {});
    reused.fill(Number.NaN);
    expect(await embedder.embedDocuments(['a'], {})).toEqual([Float32Array.of(1, 0)]);
  });

  test.each([
    ['a missing vector', []],
    ['one vector too many', [Float32Array.of(1, 0), Float32Array.of(1, 0)]],
    ['undefined', undefined],
    ['undefined in place of a vector', [undefined]],
    ['a string in place of a vector', ['1,0']],
    ['too few numbers', [Float32Array.of(1)]],
    ['too many numbers', [Float32Array.of(1, 0, 0)]],
    ['NaN', [Float32Array.of(Number.NaN, 1)]],
    ['infinity', [Float32Array.of(Number.POSITIVE_INFINITY, 1)]],
    ['a number beyond 32 bits', [[1e300, 1]]],
    ['a hole in an array', [[undefined, 1]]],
    ['null in an array', [[null, 1]]],
    ['a string in an array', [['1', 1]]],
    ['a vector of zeros', [Float32Array.of(0, 0)]],
  ])('make the call fail with a non-retryable EMBEDDING_FAILED if they are invalid: %s', async (_, vectors) => {
    const embedder = batchingEmbedder(returning(vectors));
    await expect(embedder.embedDocuments(['a'], {})).rejects.toMatchObject({
      code: 'EMBEDDING_FAILED',
      retryable: false,
    });
  });

  test('fail only the callers of the text whose vector is invalid', async () => {
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

describe('an error of the embedder', () => {
  test('rejects all callers of the batch with EMBEDDING_FAILED and the error as cause', async () => {
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

  test('is also caught if it is thrown synchronously, for documents and queries', async () => {
    const cause = new Error('no key');
    const embedder = batchingEmbedder(throwing(cause));
    await expect(embedder.embedDocuments(['a'], {})).rejects.toMatchObject({ code: 'EMBEDDING_FAILED', cause });
    await expect(embedder.embedQuery('a', {})).rejects.toMatchObject({ code: 'EMBEDDING_FAILED', cause });
  });

  test.each([[undefined], [null], ['busy'], [{}], [Object.create(null)], [Symbol('s')]])(
    'may be any value, and the next batch still runs: %o',
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

  test('reaches the caller unchanged if it is a MemoryError', async () => {
    const missing = new MemoryError('EMBEDDER_MISSING', 'No model here.');
    await expect(batchingEmbedder(throwing(missing)).embedQuery('a', {})).rejects.toBe(missing);
  });

  test('does not stop the next batch', async () => {
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

describe('a provider that rejects a text', () => {
  /** Rejects every batch that contains a text for which `isBad` is true. */
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

  test.each([[1], [2]])('fails only the callers of that text: %i of 256', async (count) => {
    const bad = texts.filter((_, i) => i % 200 === 7).slice(0, count);
    const { embedder, batches } = refusing((text) => bad.includes(text));
    const outcomes = await Promise.allSettled(texts.map((text) => embedder.embedDocuments([text], {})));
    expect(texts.filter((_, i) => outcomes[i]!.status === 'rejected')).toEqual(bad);
    // One request for the batch, and two for each time it is halved to find a text.
    expect(batches.length).toBeLessThanOrEqual(1 + 2 * 8 * count);
  });

  test('receives a limited number of requests if it rejects every text', async () => {
    const { embedder, batches } = refusing(() => true);
    const outcomes = await Promise.allSettled(texts.map((text) => embedder.embedDocuments([text], {})));
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(batches.length).toBeLessThan(40);
  });

  test('receives only one request if the error has another cause than a text', async () => {
    const { embedder, batches } = refusing(
      () => true,
      (error) => error,
    );
    await Promise.allSettled(texts.map((text) => embedder.embedDocuments([text], {})));
    expect(batches).toEqual([256]);
  });
});

describe('an aborted call', () => {
  const reason = new Error('no longer wanted');

  test('rejects at once with the reason of its signal, and other callers get their vectors', async () => {
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

  test('aborts its batch if no other caller waits, and the next batch starts immediately', async () => {
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

  test('leaves its texts out of a batch that has not yet begun', async () => {
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

  test('does not abort the signal of a batch that has finished', async () => {
    const inner = new HeldEmbedder();
    const call = batchingEmbedder(inner).embedDocuments(['a'], {});
    await turn();
    await inner.finish();
    await call;
    expect(inner.signals[0]!.aborted).toBe(false);
  });

  test('may share its signal with a hundred calls without a warning from Node', async () => {
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

  test('a batching embedder embeds documents and queries, and sets no timer', async () => {
    vi.useFakeTimers();
    const embedder = batchingEmbedder(builtInEmbedder());
    const calls = [embedder.embedDocuments(['a'], {}), embedder.embedDocuments(['b'], {})];
    expect((await Promise.all(calls)).flat()).toHaveLength(2);
    expect(await embedder.embedQuery('a', {})).toHaveLength(256);
    expect(vi.getTimerCount()).toBe(0);
  });
});
