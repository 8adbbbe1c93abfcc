import { contains, type Namespace } from '../domain/namespace';
import { type Actor, isRoot } from '../domain/principal';
import { decideBy, isClearedBy, rulesOf } from './authorise';
import type { Policy } from './policy';
import { bitsOf } from './subject-rules';

/** What an actor may read, as numbers: a row is readable when its scope is among these and its owner is 0 or the actor. */
export interface ReadableLabelSets {
  /** 1 at the number of each scope that is readable. */
  readonly mask: Uint8Array;
  readonly labelSets: readonly number[];
  /** The actor's own number, or 'any' for root. A number that no author has where the actor never wrote. */
  readonly owner: number | 'any';
}

/** What compiling needs to know of the store. Scopes are numbered from 1. */
export interface LabelSetSource {
  readonly labelSetCount: number;
  labelSet(id: number): { readonly namespace: Namespace; readonly accessTags: readonly string[] };
  findActor(actor: Actor): number | undefined;
}

// Owner numbers begin at 1 and 0 means shared, so that this one owns nothing.
const nobody = -1;

const nothingYet: Pick<ReadableLabelSets, 'mask' | 'labelSets'> = { mask: new Uint8Array(1), labelSets: [] };

/**
 * Compiles an actor's rules, bounded by a namespace, to the scopes that it may read.
 *
 * @param known What the same rules gave when there were fewer scopes: only the new ones are looked at.
 */
export function compileReadable(
  policy: Policy,
  actor: Actor,
  within: Namespace,
  scopes: LabelSetSource,
  known = nothingYet,
): ReadableLabelSets {
  const mask = new Uint8Array(scopes.labelSetCount + 1);
  mask.set(known.mask);
  const list = [...known.labelSets];
  // Scopes of one namespace share its labels: it is decided on once.
  const decided = new Map<Namespace, boolean>();
  const rules = rulesOf(policy, actor);
  const read = bitsOf(['read']);
  for (let id = known.mask.length; id <= scopes.labelSetCount; id++) {
    const { namespace, accessTags } = scopes.labelSet(id);
    const isOpen =
      decided.get(namespace) ?? (contains(within, namespace) && decideBy(rules, read, namespace) === 'allow');
    decided.set(namespace, isOpen);
    if (!isOpen || !isClearedBy(rules, accessTags, namespace)) continue;
    mask[id] = 1;
    list.push(id);
  }
  const owner = isRoot(actor) ? 'any' : (scopes.findActor(actor) ?? nobody);
  return { mask, labelSets: list, owner };
}
