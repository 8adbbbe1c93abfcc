import { LRUCache } from 'lru-cache';
import { contains, type Namespace } from '../domain/namespace';
import { type Actor, isRoot } from '../domain/principal';
import { decideBy, isClearedBy, type PartyRules, rulesOf } from './authorise';
import { bitsOf, type Policy, type SubjectRules } from './policy';

/**
 * What an actor may read, compiled to integers. A row is readable when its label set is one of these and its owner is 0 (shared)
 * or the actor itself.
 */
export interface ReadableLabelSets {
  /** 1 at the id of each readable label set, else 0. */
  readonly mask: Uint8Array;
  /** The ids of the readable label sets, ascending. */
  readonly labelSets: readonly number[];
  /** The actor's id; 'any' for root; -1, which owns nothing, for an actor that has never written. */
  readonly owner: number | 'any';
}

/** What the compilation reads of the store. Ids of label sets count from 1 and are never reused. */
export interface LabelSetSource {
  readonly labelSetCount: number;
  labelSet(id: number): { readonly namespace: Namespace; readonly accessTags: readonly string[] };
  findActor(actor: Actor): number | undefined;
}

// Actor ids begin at 1, and 0 means shared.
const ownsNothing = -1;

const noneCompiled: Pick<ReadableLabelSets, 'mask' | 'labelSets'> = { mask: new Uint8Array(1), labelSets: [] };

/**
 * Compiles an actor's rules to the label sets that it may read in a namespace and below.
 *
 * @param compiled The result of the same rules for fewer label sets. Only the label sets after these are decided.
 */
function compileReadable(
  policy: Policy,
  actor: Actor,
  within: Namespace,
  source: LabelSetSource,
  compiled = noneCompiled,
): ReadableLabelSets {
  const mask = new Uint8Array(source.labelSetCount + 1);
  mask.set(compiled.mask);
  const labelSets = [...compiled.labelSets];
  // Label sets of one namespace share its array, so that each namespace is decided once.
  const decided = new Map<Namespace, boolean>();
  const rules = rulesOf(policy, actor);
  const read = bitsOf(['read']);
  for (let id = compiled.mask.length; id <= source.labelSetCount; id++) {
    const { namespace, accessTags } = source.labelSet(id);
    const isAllowed =
      decided.get(namespace) ?? (contains(within, namespace) && decideBy(rules, read, namespace) === 'allow');
    decided.set(namespace, isAllowed);
    if (!isAllowed || !isClearedBy(rules, accessTags, namespace)) continue;
    mask[id] = 1;
    labelSets.push(id);
  }
  const owner = isRoot(actor) ? 'any' : (source.findActor(actor) ?? ownsNothing);
  return { mask, labelSets, owner };
}

interface Compiled {
  readonly readable: ReadableLabelSets;
  /** The rules that it was compiled from. */
  readonly rules: PartyRules;
  readonly policy: Policy;
  readonly labelSetCount: number;
  readonly actorId: number | undefined;
}

// With thousands of label sets each entry takes tens of kilobytes.
const maxEntries = 1_024;

/**
 * Caches what actors may read, by actor and namespace. Handles share it: a server may make a new handle for each request. An
 * entry is compiled again when the actor's rules change or the actor gets its id, and extended when label sets are added.
 */
export class ReadableLabelSetCache {
  readonly #compiled = new LRUCache<string, Compiled>({ max: maxEntries });

  /** The label sets that an actor may read in a namespace and below. The same object as before while nothing changed. */
  get(actor: Actor, within: Namespace, policy: Policy, source: LabelSetSource): ReadableLabelSets {
    const key = keyOf(actor, within);
    const { labelSetCount } = source;
    const actorId = source.findActor(actor);
    const cached = this.#compiled.get(key);
    const rules = cached?.policy === policy ? cached.rules : rulesOf(policy, actor);
    const hasSameRules = cached !== undefined && (cached.rules === rules || areSame(cached.rules, rules));
    if (hasSameRules && cached.labelSetCount === labelSetCount && cached.actorId === actorId) {
      if (cached.policy !== policy) this.#compiled.set(key, { ...cached, policy, rules });
      return cached.readable;
    }
    const extended = hasSameRules && cached.labelSetCount <= labelSetCount ? cached.readable : undefined;
    const readable = compileReadable(policy, actor, within, source, extended);
    this.#compiled.set(key, { readable, rules, policy, labelSetCount, actorId });
    return readable;
  }
}

/** JSON of lists is injective: two actors or namespaces never share a key, whatever their labels hold. */
function keyOf({ party, onBehalfOf }: Actor, within: Namespace): string {
  const actor = party === 'root' ? [] : [party.kind, party.id, onBehalfOf?.id ?? null];
  return JSON.stringify([actor, within]);
}

function areSame(a: PartyRules, b: PartyRules): boolean {
  return a.every((rules, i) => {
    const others = b[i] as readonly SubjectRules[];
    return rules.length === others.length && rules.every((each, j) => each === others[j]);
  });
}
