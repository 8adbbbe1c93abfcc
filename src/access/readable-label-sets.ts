import { LRUCache } from 'lru-cache';
import type { Namespace } from '../domain/namespace';
import { type Actor, isRoot } from '../domain/principal';
import type { Action } from '../domain/rule';
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
  readonly labelSets: Uint32Array;
  /** The actor's id. For root it is 'any'. For an actor that has never written it is -1, which owns no row. */
  readonly owner: number | 'any';
  /** A number that is equal for actors with the same rules in the same namespace. It does not change when label sets are added. */
  readonly grants: number;
}

/**
 * The part of the store that the compilation reads. The ids of label sets start at 1 and are never reused. Namespaces have ids too, and
 * the id of a namespace is higher than those of the namespaces above it.
 */
export interface LabelSetSource {
  readonly labelSetCount: number;
  labelSet(id: number): { readonly namespace: Namespace; readonly accessTags: readonly string[] };
  namespaceIdOf(labelSet: number): number;
  findNamespace(namespace: Namespace): number | undefined;
  isWithin(namespaceId: number, ancestorId: number): boolean;
  findActor(actor: Actor): number | undefined;
}

// Actor ids begin at 1, and 0 means shared.
const ownsNothing = -1;

/**
 * The label sets that all actors with the same rules may read in a namespace and below. It grows at its end when the store gets more
 * label sets. What was decided before never changes, so reads that run meanwhile can use the part that they have got.
 */
class Grants {
  readonly id: number;
  #mask = new Uint8Array(64);
  #decided = 1;
  #labelSets = new Uint32Array(16);
  #readable = 0;

  constructor(id: number) {
    this.id = id;
  }

  get mask(): Uint8Array {
    return this.#mask.subarray(0, this.#decided);
  }

  get labelSets(): Uint32Array {
    return this.#labelSets.subarray(0, this.#readable);
  }

  /** Label sets from this number on are not decided yet. */
  get decided(): number {
    return this.#decided;
  }

  /** The approximate number of bytes that the grants take. */
  get bytes(): number {
    return 512 + this.#mask.byteLength + this.#labelSets.byteLength;
  }

  /** Makes room for label sets with numbers below `count`. */
  reserve(count: number): void {
    if (count <= this.#mask.length) return;
    const larger = new Uint8Array(Math.max(count, Math.ceil(this.#mask.length * 1.25)));
    larger.set(this.#mask);
    this.#mask = larger;
  }

  /** Decides the next label set. */
  decide(isReadable: boolean): void {
    const id = this.#decided++;
    if (!isReadable) return;
    this.#mask[id] = 1;
    if (this.#readable === this.#labelSets.length) {
      const larger = new Uint32Array(Math.ceil(this.#labelSets.length * 1.5));
      larger.set(this.#labelSets);
      this.#labelSets = larger;
    }
    this.#labelSets[this.#readable++] = id;
  }
}

/** Decides the label sets that are new since the last call: which of them, in a namespace and below, an actor with these rules may read. */
function extendGrants(
  grants: Grants,
  rules: PartyRules,
  within: Namespace,
  source: LabelSetSource,
  actions: readonly Action[],
): void {
  const ancestor = source.findNamespace(within);
  const needed = actions.map((action) => bitsOf([action]));
  // Label sets with the same namespace often follow each other. The namespace is then decided once.
  let last: { readonly namespaceId: number; readonly isAllowed: boolean } | undefined;
  grants.reserve(source.labelSetCount + 1);
  while (grants.decided <= source.labelSetCount) {
    const id = grants.decided;
    const namespaceId = source.namespaceIdOf(id);
    if (ancestor === undefined || !source.isWithin(namespaceId, ancestor)) {
      grants.decide(false);
      continue;
    }
    const { namespace, accessTags } = source.labelSet(id);
    if (last?.namespaceId !== namespaceId) {
      last = { namespaceId, isAllowed: needed.every((bits) => decideBy(rules, bits, namespace) === 'allow') };
    }
    grants.decide(last.isAllowed && isClearedBy(rules, accessTags, namespace));
  }
}

const readOnly: readonly Action[] = ['read'];
const readAndEndorse: readonly Action[] = ['read', 'endorse'];

// A mask takes a byte for each label set of the store, so the number of masks is bounded by their bytes.
const defaultMaxBytes = 32 * 2 ** 20;

/**
 * Caches the readable label sets by rules and namespace. For example, a thousand agents with the same rules share one entry. An entry is
 * extended when label sets are added. Changed rules get a new entry.
 */
export class ReadableLabelSetCache {
  readonly #grants: LRUCache<string, Grants>;
  readonly #idOfRules = new WeakMap<SubjectRules, number>();
  #rulesCount = 0;
  #grantsCount = 0;

  /** @param maxBytes The limit of memory. The grants that were not used for the longest time are dropped first. */
  constructor(maxBytes = defaultMaxBytes) {
    this.#grants = new LRUCache({ maxSize: Math.max(1, maxBytes), sizeCalculation: ({ bytes }) => bytes });
  }

  /** The approximate number of bytes of RAM. */
  get bytes(): number {
    return this.#grants.calculatedSize;
  }

  /** Returns the label sets that an actor may read in a namespace and below. */
  get(actor: Actor, within: Namespace, policy: Policy, source: LabelSetSource): ReadableLabelSets {
    const { id, mask, labelSets } = this.#grantsOf(rulesOf(policy, actor), within, source, readOnly);
    const owner = isRoot(actor) ? 'any' : (source.findActor(actor) ?? ownsNothing);
    return { mask, labelSets, owner, grants: id };
  }

  /** The value at the index of a label set's id is 1 if the actor may read and endorse memories with it. */
  endorsable(actor: Actor, within: Namespace, policy: Policy, source: LabelSetSource): Uint8Array {
    return this.#grantsOf(rulesOf(policy, actor), within, source, readAndEndorse).mask;
  }

  #grantsOf(rules: PartyRules, within: Namespace, source: LabelSetSource, actions: readonly Action[]): Grants {
    // The JSON of a list is unambiguous: different rules or namespaces never give the same key.
    const key = JSON.stringify([
      rules.map((ofParty) => ofParty.map((each) => this.#idOf(each))),
      within,
      actions.length,
    ]);
    const known = this.#grants.get(key);
    if (known !== undefined && known.decided === source.labelSetCount + 1) return known;
    // After a rollback the store has fewer label sets, and gives their numbers to others.
    const isUsable = known !== undefined && known.decided <= source.labelSetCount;
    const grants = isUsable ? known : new Grants(++this.#grantsCount);
    extendGrants(grants, rules, within, source, actions);
    // The cache asks for the size of a value only when it is new.
    this.#grants.delete(key);
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
