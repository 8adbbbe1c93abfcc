import { LRUCache } from 'lru-cache';
import type { Namespace } from '../domain/namespace';
import { type Actor, isRoot } from '../domain/principal';
import type { Action } from '../domain/rule';
import { explainIn, explainMemory } from './explain';
import type { Policy } from './policy';

const mostKept = 10_000;

/** The ids of the rules that decide, kept as long as the rules are the same: an audit asks for the same again and again. */
export class DecidingRules {
  #policy: Policy | undefined;
  readonly #kept = new LRUCache<string, readonly string[]>({ max: mostKept });

  /** Of a decision about memories with these access tags in a namespace, whoever their author is. */
  of(
    policy: Policy,
    actor: Actor,
    action: Action,
    namespace: Namespace,
    accessTags: readonly string[] = [],
  ): readonly string[] {
    if (isRoot(actor)) return [];
    if (this.#policy !== policy) this.#kept.clear();
    this.#policy = policy;
    const key = JSON.stringify([actor, action, namespace, accessTags]);
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const isOfMemories = action === 'read' || action === 'update' || action === 'forget' || action === 'share';
    const { deciding } = isOfMemories
      ? explainMemory(policy, actor, action, { namespace, accessTags, author: actor })
      : explainIn(policy, actor, action, namespace);
    const ids = [...new Set(deciding.map(({ id }) => id))];
    this.#kept.set(key, ids);
    return ids;
  }
}
