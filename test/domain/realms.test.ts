import { runInNewContext } from 'node:vm';
import { type Embedder, MemoryError, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { isAbortSignal, isError, ownSignal } from '../../src/domain/realms';
import { fromSqlite } from '../../src/sqlite/sqlite';

/** A value that the code of another context made, as Jest runs each test file in one. */
function foreign<T>(code: string): T {
  return runInNewContext(code) as T;
}

const namespace = ['support'];

describe('values from another realm', () => {
  test('are accepted as dates, vectors and metadata', async () => {
    await using store = await MemoryStore.inMemory();
    const [year, text] = ['2026-03-01T00:00:00.000Z', 'The refund goes to the card.'];
    const validFrom = foreign<Date>(`new Date('${year}')`);
    const metadata = foreign<{ order: string }>(`({ order: 'A-1182' })`);
    const { id } = await store.admin.remember(text, { namespace, validFrom, metadata });
    expect(await store.admin.get(id)).toMatchObject({ validFrom: new Date(year), metadata: { order: 'A-1182' } });
    const filter = { validFrom: { gte: validFrom } };
    expect(await store.admin.recall('refund', { filter })).toHaveLength(1);
    const vector = foreign<Float32Array>('new Float32Array(256).fill(1)');
    expect(await store.admin.recall('refund', { vector, mode: 'semantic' })).toHaveLength(1);
    const wrong = foreign<Float32Array>('new Float32Array(7).fill(1)');
    await expect(store.admin.recall('refund', { vector: wrong })).rejects.toThrow('expected 256 numbers, got 7.');
  });

  test('are accepted as vectors from an embedder', async () => {
    const vectors = () => foreign<Float32Array[]>('[Float32Array.of(3, 4)]');
    await using store = await MemoryStore.inMemory({ embedder: embedderThat(vectors) });
    await store.admin.remember('The refund goes to the card.', { namespace });
    expect(await store.admin.recall('refund', { mode: 'semantic' })).toHaveLength(1);
  });

  test.each([
    ['an Error', `new TypeError('no such module')`, 'TypeError: no such module'],
    [
      'an error that SQLite made',
      `Object.setPrototypeOf({ name: 'X', message: 'no', stack: '' }, Error.prototype)`,
      'X',
    ],
  ])('are accepted as errors from an embedder: %s', async (_, code, message) => {
    const fail = () => {
      throw foreign(code);
    };
    await using store = await MemoryStore.inMemory({ embedder: embedderThat(fail) });
    const error = await store.admin.remember('The refund.', { namespace }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'EMBEDDING_FAILED', retryable: false });
    expect((error as Error).message).toContain(message);
  });

  test('are accepted as errors from SQLite', () => {
    const damaged = foreign<Error>(
      `Object.assign(Object.create(Error.prototype), { name: 'SqliteError', message: 'no', stack: '', code: 'SQLITE_NOTADB' })`,
    );
    expect(fromSqlite(damaged)).toMatchObject({ code: 'RECORD_DAMAGED' });
    const full = foreign<Error>(`Object.assign(new Error('no space'), { code: 'ENOSPC' })`);
    expect(fromSqlite(full)).toMatchObject({ code: 'DISK_FULL' });
    const closed = foreign<Error>(`new TypeError('The database connection is not open')`);
    expect(fromSqlite(closed)).toMatchObject({ code: 'STORE_CLOSED' });
  });

  test('are accepted as signals, even if a library made them', async () => {
    const signal = new StandInSignal();
    await using store = await MemoryStore.inMemory({ embedder: embedderThat(() => new Promise(() => undefined)) });
    const call = store.admin.remember('The refund.', { namespace, signal: signal as unknown as AbortSignal });
    signal.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await expect(store.admin.recall('refund', { signal: signal as unknown as AbortSignal })).rejects.toThrow('enough');
  });
});

describe('a value of another kind', () => {
  test.each([[undefined], [null], ['Error'], [{}], [{ message: 'no' }], [Object.create(null)]])(
    'is not accepted as an error: %s',
    (value) => {
      expect(isError(value)).toBe(false);
    },
  );

  test.each([[undefined], [{}], [{ aborted: true }], [{ aborted: 'no', addEventListener: () => undefined }]])(
    'is not accepted as a signal: %s',
    (value) => {
      expect(isAbortSignal(value)).toBe(false);
    },
  );

  test('a signal from this realm is passed on unchanged', () => {
    const { signal } = new AbortController();
    expect(ownSignal(signal)).toBe(signal);
  });
});

test('a MemoryError is recognized in every realm', () => {
  const error = new MemoryError('NOT_FOUND', 'no');
  expect(runInNewContext('is(error)', { error, is: MemoryError.is })).toBe(true);
});

function embedderThat(embed: () => unknown): Embedder {
  return {
    space: { model: 'foreign', dimensions: 2, normalized: true },
    maxTokens: 100,
    embedDocuments: async () => (await embed()) as Float32Array[],
    embedQuery: async () => Float32Array.of(1, 1),
  };
}

/** What `abort-controller` and other stand-ins have. */
class StandInSignal extends EventTarget {
  aborted = false;
  reason: unknown;

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event('abort'));
  }
}
