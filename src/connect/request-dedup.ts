import type { Outcome, WriteRequest } from '../domain/command';
import type { RememberResult } from '../domain/memory';
import type { WriteRequests } from '../state/tables/write-requests';
import type { BatchResult } from '../write/remember-many';
import { uploadInterrupted } from './upload';

/** The outcome of a successful write. */
export type WriteOutcome = Outcome & { readonly ok: true };

/** Runs each write request from other processes only once, even if the request arrives several times. */
export class RequestDedup {
  readonly #requests: Pick<WriteRequests, 'outcomeOf'>;
  readonly #synced: () => Promise<void> | undefined;
  /** The running requests. Their clients may have reconnected since the requests arrived. */
  readonly #running = new Map<string, Promise<unknown>>();

  /**
   * @param synced Resolves when all outcomes that `requests` contains are on disk, and rejects if that is in doubt. Undefined if they are on
   * disk now.
   */
  constructor(requests: Pick<WriteRequests, 'outcomeOf'>, synced: () => Promise<void> | undefined) {
    this.#requests = requests;
    this.#synced = synced;
  }

  /**
   * Runs a write. If it was already run, returns the answer from the first run.
   *
   * @param request If undefined, the write runs without deduplication.
   * @param answerOf Makes the answer from the stored outcome of an earlier run. If omitted, the write runs again, and `apply`
   * deduplicates each of its parts.
   */
  async run<T>(
    request: WriteRequest | undefined,
    write: () => Promise<T>,
    answerOf?: (outcome: WriteOutcome) => T,
  ): Promise<T> {
    if (request === undefined) return write();
    const name = nameOf(request);
    const earlier = this.#running.get(name) as Promise<T> | undefined;
    if (earlier !== undefined) {
      try {
        return await earlier;
      } catch (error) {
        // The connection ended before all items arrived, so the earlier run wrote nothing.
        if (error !== uploadInterrupted) throw error;
        return this.run(request, write, answerOf);
      }
    }
    const kept = answerOf && this.#requests.outcomeOf(request);
    if (kept?.ok && answerOf !== undefined) {
      await this.#synced();
      return answerOf(kept);
    }
    const running = write();
    this.#running.set(name, running);
    try {
      return await running;
    } finally {
      this.#running.delete(name);
    }
  }

  /** Runs several writes with consecutive request numbers. Writes that an earlier run has done get the answers from that run. */
  async runEach(request: WriteRequest | undefined, write: () => Promise<BatchResult>): Promise<BatchResult> {
    if (request === undefined) return write();
    const answer = await this.run(request, write);
    const results = answer.results.map((result, index): BatchResult['results'][number] => {
      if (result.ok && result.outcome !== 'duplicate') return result;
      const kept = this.#requests.outcomeOf({ ...request, number: request.number + index });
      return kept?.ok && kept.type === 'remember'
        ? { index, ok: true, ...(kept.remembered[0] as RememberResult) }
        : result;
    });
    return { ...answer, results };
  }
}

function nameOf({ client, number }: WriteRequest): string {
  return `${client} ${number}`;
}
