import type { Namespace } from '../domain/namespace';
import type { Actor } from '../domain/principal';
import { compileReadable, type Readable, type Scopes } from './compile';
import type { Policy } from './policy';

/** Keeps what one actor may read inside one bound, and compiles it anew when rules, scopes or the actor's own number changed. */
export class ReadableCache {
  readonly #actor: Actor;
  readonly #within: Namespace;
  #kept:
    | { readonly readable: Readable; readonly scopeCount: number; readonly actorNumber: number | undefined }
    | undefined;

  constructor(actor: Actor, within: Namespace) {
    this.#actor = actor;
    this.#within = within;
  }

  get(policy: Policy, scopes: Scopes): Readable {
    const { scopeCount } = scopes;
    const actorNumber = scopes.findActor(this.#actor);
    const kept = this.#kept;
    if (
      kept !== undefined &&
      kept.readable.policyVersion === policy.version &&
      kept.scopeCount === scopeCount &&
      kept.actorNumber === actorNumber
    ) {
      return kept.readable;
    }
    const readable = compileReadable(policy, this.#actor, this.#within, scopes);
    this.#kept = { readable, scopeCount, actorNumber };
    return readable;
  }
}
