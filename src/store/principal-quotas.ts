import { quotaExceeded } from '../access/denials';
import type { Actor } from '../domain/principal';
import { type ParsedQuotas, type QuotaKind, type QuotaUse, quotaOf } from '../domain/quota';
import type { StateStore } from '../state/state-store';

/** What `PrincipalQuotas` needs. */
export interface PrincipalQuotasDeps {
  readonly quotas: ParsedQuotas;
  readonly state: Pick<StateStore, 'usage' | 'interning' | 'snapshot'>;
}

/** The quotas of the principals of one process, and what they use. `apply` enforces all of them except that of watches. */
export class PrincipalQuotas {
  readonly #deps: PrincipalQuotasDeps;
  /** The number of running watches, by the JSON of their actor. Watches belong to one process, so no command carries them. */
  readonly #watches = new Map<string, number>();

  constructor(deps: PrincipalQuotasDeps) {
    this.#deps = deps;
  }

  /** How much an actor uses of each of its quotas. Undefined if it has none. */
  useOf(actor: Actor): { [K in QuotaKind]?: QuotaUse } | undefined {
    const quota = quotaOf(this.#deps.quotas, actor);
    const limits = Object.entries(quota) as [QuotaKind, number][];
    if (limits.length === 0) return undefined;
    const { state } = this.#deps;
    return state.snapshot(() => {
      const id = state.interning.findActor(actor);
      const usage = state.usage();
      const used = (kind: QuotaKind) => (kind === 'watches' ? this.#watchCount(actor) : usage.used(id, kind));
      return Object.fromEntries(limits.map(([kind, limit]) => [kind, { used: used(kind), limit }]));
    });
  }

  /**
   * Counts a watch while it runs: from its first `next()` until it ends, fails, is returned or its signal is aborted. If the actor has as
   * many watches as it may have, the first `next()` rejects.
   *
   * @throws QUOTA_EXCEEDED
   */
  countWatch<T>(actor: Actor, changes: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
    const { watches: limit } = quotaOf(this.#deps.quotas, actor);
    if (limit === undefined) return changes;
    return { [Symbol.asyncIterator]: () => this.#counted(actor, limit, changes[Symbol.asyncIterator](), signal) };
  }

  #counted<T>(actor: Actor, limit: number, inner: AsyncIterator<T>, signal: AbortSignal): AsyncIterator<T> {
    let state: 'new' | 'running' | 'ended' = 'new';
    const end = () => {
      if (state === 'running') this.#addWatch(actor, -1);
      state = 'ended';
      signal.removeEventListener('abort', end);
    };
    const begin = () => {
      const used = this.#watchCount(actor);
      if (used >= limit) throw quotaExceeded({ kind: 'watches', used, limit });
      state = 'running';
      this.#addWatch(actor, 1);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end);
    };
    return {
      next: async () => {
        if (state === 'new') begin();
        try {
          const next = await inner.next();
          if (next.done === true) end();
          return next;
        } catch (error) {
          end();
          throw error;
        }
      },
      return: async () => {
        end();
        return (await inner.return?.()) ?? { done: true, value: undefined };
      },
    };
  }

  #watchCount(actor: Actor): number {
    return this.#watches.get(JSON.stringify(actor)) ?? 0;
  }

  #addWatch(actor: Actor, difference: 1 | -1): void {
    const count = this.#watchCount(actor) + difference;
    if (count === 0) this.#watches.delete(JSON.stringify(actor));
    else this.#watches.set(JSON.stringify(actor), count);
  }
}
