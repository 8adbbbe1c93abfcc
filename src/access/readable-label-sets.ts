import { LRUCache } from 'lru-cache';
import { contains, type Namespace } from '../domain/namespace';
import { type Actor, isRoot } from '../domain/principal';
import { decideBy, isClearedBy, type PartyRules, rulesOf } from './authorise';
import { bitsOf, type Policy, type SubjectRules } from './policy';

/**
 * The label sets (namespaces with access tags) that an actor may read, as integers. The actor may read a row if it has one of these label
 * sets and its owner is 0 (which means shared) or the actor itself.
 */
export interface ReadableLabelSets {
  /** The value at the index of a label set's id is 1 if the label set is readable, otherwise 0. */
  readonly mask: Uint8Array;
  /** The ids of the readable label sets, in ascending order. */
  readonly labelSets: readonly number[];
  /** The actor's id. For root it is 'any'. For an actor that has never written it is -1, which owns no row. */
  readonly owner: number | 'any';
  /** A number that is equal for actors with the same rules in the same namespace. It does not change when label sets are added. */
  readonly grants: number;
}

/** The part of the store that the compilation reads. The ids of label sets start at 1 and are never reused. */
export interface LabelSetSource {
  readonly labelSetCount: number;
  labelSet(id: number): { readonly namespace: Namespace; readonly accessTags: readonly string[] };
  findActor(actor: Actor): number | undefined;
}

// Actor ids begin at 1, and 0 means shared.
const ownsNothing = -1;

/** The label sets that all actors with the same rules may read in a namespace and below. */
interface Grants {
  readonly id: number;
  readonly mask: Uint8Array;
  readonly labelSets: readonly number[];
}

/**
 * Compiles rules to the label sets in a namespace and below that an actor with these rules may read.
 *
 * @param compiled An earlier result with the same rules but fewer label sets. Only the newer label sets are decided.
 */
function compileGrants(rules: PartyRules, within: Namespace, source: LabelSetSource, compiled: Grants): Grants {
  const mask = new Uint8Array(source.labelSetCount + 1);
  mask.set(compiled.mask);
  const labelSets = [...compiled.labelSets];
  // All label sets in a namespace have the same array object as their namespace. With it as the key, each namespace is decided once.
  const decided = new Map<Namespace, boolean>();
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
  return { id: compiled.id, mask, labelSets };
}

// If the store has thousands of label sets, each entry takes tens of kilobytes.
const maxEntries = 1_024;

/**
 * Caches the readable label sets by rules and namespace. For example, a thousand agents with the same rules share one entry. An entry is
 * extended when label sets are added. Changed rules get a new entry.
 */
export class ReadableLabelSetCache {
  readonly #grants = new LRUCache<string, Grants>({ max: maxEntries });
  readonly #idOfRules = new WeakMap<SubjectRules, number>();
  #rulesCount = 0;
  #grantsCount = 0;

  /** Returns the label sets that an actor may read in a namespace and below. */
  get(actor: Actor, within: Namespace, policy: Policy, source: LabelSetSource): ReadableLabelSets {
    const { id, mask, labelSets } = this.#grantsOf(rulesOf(policy, actor), within, source);
    const owner = isRoot(actor) ? 'any' : (source.findActor(actor) ?? ownsNothing);
    return { mask, labelSets, owner, grants: id };
  }

  #grantsOf(rules: PartyRules, within: Namespace, source: LabelSetSource): Grants {
    // The JSON of a list is unambiguous: different rules or namespaces never give the same key.
    const key = JSON.stringify([rules.map((ofParty) => ofParty.map((each) => this.#idOf(each))), within]);
    const known = this.#grants.get(key);
    if (known !== undefined && known.mask.length === source.labelSetCount + 1) return known;
    const none = () => ({ id: ++this.#grantsCount, mask: new Uint8Array(1), labelSets: [] });
    const extended = known !== undefined && known.mask.length <= source.labelSetCount ? known : none();
    const grants = compileGrants(rules, within, source, extended);
    this.#grants.set(key, grants);
    return grants;
  }

  /** Returns a number for the object with the rules about one subject. When the rules change, a new object replaces it. */
  #idOf(rules: SubjectRules): number {
    let id = this.#idOfRules.get(rules);
    if (id === undefined) {
      id = ++this.#rulesCount;
      this.#idOfRules.set(rules, id);
    }
    return id;
  }
}
