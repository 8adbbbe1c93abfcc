import type { Namespace } from '../domain/namespace';
import type { Actor } from '../domain/principal';
import { type PartyRules, rulesOf } from './authorise';
import { compileReadable, type LabelSetSource, type ReadableLabelSets } from './compile';
import type { Policy } from './policy';
import type { SubjectRules } from './subject-rules';

interface Kept {
  readonly readable: ReadableLabelSets;
  /** The rules that it was compiled from. */
  readonly rules: PartyRules;
  readonly policy: Policy;
  readonly labelSetCount: number;
  readonly actorNumber: number | undefined;
}

/** Keeps what one actor may read inside one bound, and compiles anew what changed: its rules, the scopes, the actor's own number. */
export class ReadableCache {
  readonly #actor: Actor;
  readonly #within: Namespace;
  #kept: Kept | undefined;

  constructor(actor: Actor, within: Namespace) {
    this.#actor = actor;
    this.#within = within;
  }

  get(policy: Policy, scopes: LabelSetSource): ReadableLabelSets {
    const { labelSetCount } = scopes;
    const actorNumber = scopes.findActor(this.#actor);
    const kept = this.#kept;
    const rules = kept?.policy === policy ? kept.rules : rulesOf(policy, this.#actor);
    const sameRules = kept !== undefined && (kept.rules === rules || areSame(kept.rules, rules));
    if (sameRules && kept.labelSetCount === labelSetCount && kept.actorNumber === actorNumber) {
      this.#kept = { ...kept, policy, rules };
      return kept.readable;
    }
    // Numbers of scopes are never reused: the rules being the same, only new scopes have to be looked at.
    const known = sameRules && kept.labelSetCount <= labelSetCount ? kept.readable : undefined;
    const readable = compileReadable(policy, this.#actor, this.#within, scopes, known);
    this.#kept = { readable, rules, policy, labelSetCount, actorNumber };
    return readable;
  }
}

function areSame(a: PartyRules, b: PartyRules): boolean {
  return a.every((rules, i) => {
    const others = b[i] as readonly SubjectRules[];
    return rules.length === others.length && rules.every((each, j) => each === others[j]);
  });
}
