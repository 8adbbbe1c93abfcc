import type { Outcome, WriteRequest } from '../domain/command';
import type { RememberResult } from '../domain/memory';
import type { WriteRequests } from '../state/tables/write-requests';
import type { BatchResult } from '../write/remember-many';
import { uploadInterrupted } from './upload';

/** The outcome of a write that succeeded. */
export type WriteOutcome = Outcome & { readonly ok: true };

/** Runs each write request of other processes once, however often it arrives. */
export class RequestDedup {
  readonly #requests: Pick<WriteRequests, 'outcomeOf'>;
  /** The requests that are running. Their clients may have reconnected meanwhile. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(requests: Pick<WriteRequests, 'outcomeOf'>) {
    this.#requests = requests;
  }

  /**
   * Runs a write, or answers as its first run did.
   *
   * @param request Undefined runs the write without deduplication.
   * @param answerOf Makes the answer from the outcome that the store keeps of an earlier run. Omitted: the write runs again, and
   * each of its parts is deduplicated when it is applied.
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
        // The earlier run lost its items with the connection, and wrote nothing.
        if (error !== uploadInterrupted) throw error;
        return this.run(request, write, answerOf);
      }
    }
    const kept = answerOf && this.#requests.outcomeOf(request);
    if (kept?.ok && answerOf !== undefined) return answerOf(kept);
    const running = write();
    this.#running.set(name, running);
    try {
      return await running;
    } finally {
      this.#running.delete(name);
    }
  }

  /** Runs several writes with consecutive request numbers. The ones that an earlier run has done are answered as it did. */
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
