import type { Outcome, WriteRequest } from '../domain/command';
import type { RememberResult } from '../domain/memory';
import type { Engine } from '../store/composition/engine';
import type { BatchResult } from '../write/remember-many';
import { broken } from './upload';

/** The outcome of a write that was done. */
export type Done = Outcome & { readonly ok: true };

/** Does each write that other processes ask for once, however often it is asked for. */
export class RequestDedup {
  readonly #engine: Engine;
  /** Writes that are under way, though whoever asked may have lost its connection meanwhile. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Answers as the first time. Of a write that was done before, `answerOf` makes the answer of what is kept. */
  async run<T>(request: WriteRequest, write: () => Promise<T>, answerOf?: (done: Done) => T): Promise<T> {
    const name = nameOf(request);
    const earlier = this.#running.get(name) as Promise<T> | undefined;
    if (earlier !== undefined) {
      try {
        return await earlier;
      } catch (error) {
        // Its items were lost with the connection, and nothing was written.
        if (error !== broken) throw error;
        return this.run(request, write, answerOf);
      }
    }
    const kept = answerOf && this.#engine.state.requests.outcomeOf(request);
    if (kept?.ok && answerOf !== undefined) return answerOf(kept);
    const running = write();
    this.#running.set(name, running);
    try {
      return await running;
    } finally {
      this.#running.delete(name);
    }
  }

  /** Many writes, each by itself: of those that were done before, it is told what was told then. */
  async runEach(request: WriteRequest, write: () => Promise<BatchResult>): Promise<BatchResult> {
    const answer = await this.run(request, write);
    const results = answer.results.map((result, index): BatchResult['results'][number] => {
      if (result.ok && result.outcome !== 'duplicate') return result;
      const kept = this.#engine.state.requests.outcomeOf({ ...request, number: request.number + index });
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
