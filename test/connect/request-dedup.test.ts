import { describe, expect, test } from 'vitest';
import { RequestDedup } from '../../src/connect/request-dedup';
import { MemoryError } from '../../src/domain/errors';

const request = { client: 'client', number: 1, answered: 1 };
const stored = { outcomeOf: () => ({ ok: true, type: 'forget', forgotten: ['id'] }) as const };
const notAgain = async () => expect.unreachable('The write ran again.');

describe('a request that arrives again after its write was committed', () => {
  test('is answered when the write is on disk', async () => {
    let end = (): void => undefined;
    const synced = new Promise<void>((resolve) => {
      end = resolve;
    });
    let isAnswered = false;
    const answer = new RequestDedup(stored, () => synced).run(request, notAgain, () => 'done');
    void answer.then(() => {
      isAnswered = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    end();
    expect(await answer).toBe('done');
  });

  test('is rejected if the disk could not confirm the write', async () => {
    const inDoubt = new MemoryError('OUTCOME_UNKNOWN', 'The disk failed.');
    const dedup = new RequestDedup(stored, () => Promise.reject(inDoubt));
    await expect(dedup.run(request, notAgain, () => 'done')).rejects.toBe(inDoubt);
  });
});
